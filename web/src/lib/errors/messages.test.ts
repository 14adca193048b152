import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { shopError } from "@/testing/errors";
import { fieldErrorsOf, metadataOf, reasonOf } from "./details";
import { explain } from "./messages";

describe("details", () => {
  const error = shopError(Code.FailedPrecondition, "ORDER_IN_PROGRESS", {
    metadata: { order_id: "o-1" },
    fields: { "address.city": "too long" },
  });

  it("reads reason, metadata and fields", () => {
    expect(reasonOf(error)).toBe("ORDER_IN_PROGRESS");
    expect(metadataOf(error, "order_id")).toBe("o-1");
    expect(fieldErrorsOf(error)).toEqual({ "address.city": "too long" });
  });

  it("reads them from the wire as well", () => {
    // ErrorInfo{reason: "X"} in binary.
    const wire = new ConnectError("", Code.Internal);
    wire.details.push({ type: "google.rpc.ErrorInfo", value: new Uint8Array([0x0a, 0x01, 0x58]) });
    expect(reasonOf(wire)).toBe("X");
  });

  it("finds nothing in other errors", () => {
    expect(reasonOf(new Error("x"))).toBe("");
    expect(fieldErrorsOf(new ConnectError("x", Code.Internal))).toEqual({});
  });
});

describe("explain", () => {
  it("goes by the reason first, then by the code, never by the message", () => {
    expect(explain(shopError(Code.AlreadyExists, "EMAIL_TAKEN"))).toMatch(/already exists/);
    expect(explain(new ConnectError("dial tcp: refused", Code.Unavailable))).toMatch(/can't be reached/);
    expect(explain(new ConnectError("panic: nil", Code.Internal))).toMatch(/went wrong on our side/);
    expect(explain(new Error("boom"))).not.toContain("boom");
  });

  it("lets a place word a reason itself", () => {
    const error = shopError(Code.PermissionDenied, "CREDENTIALS_INVALID");
    expect(explain(error, { CREDENTIALS_INVALID: "Not your password." })).toBe("Not your password.");
  });
});
