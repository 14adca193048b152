import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

beforeEach(() => {
  window.localStorage.clear();
  // The only plain request of the shop: how the server was started.
  vi.stubGlobal("fetch", async () => new Response('{"demo":true,"version":"test"}'));
  window.scrollTo = () => undefined;
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
