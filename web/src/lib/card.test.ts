import { expect, it } from "vitest";
import { groupDigits, parseExpiry } from "./card";

it("groups digits while they are typed", () => {
  expect(groupDigits("4242424242424242")).toBe("4242 4242 4242 4242");
  expect(groupDigits("4242-42x")).toBe("4242 42");
  expect(groupDigits("4242")).toBe("4242");
});

it.each([
  ["4/29", 4, 2029],
  ["04/2029", 4, 2029],
  ["0429", 4, 2029],
  ["12 / 30", 12, 2030],
  ["soon", 0, 0],
])("reads the expiry %s", (text, expMonth, expYear) =>
  expect(parseExpiry(text)).toEqual({ expMonth, expYear }),
);
