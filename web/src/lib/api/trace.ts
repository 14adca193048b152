import type { Interceptor } from "@connectrpc/connect";

/**
 * Begins a trace with each call, in the header that W3C Trace Context names. The page records nothing itself, and says so
 * by the last flag: the shop decides which traces it keeps. The id is how a click is found again in the shop's logs.
 */
export const beginTrace: Interceptor = (next) => (request) => {
  request.header.set("traceparent", `00-${randomHex(16)}-${randomHex(8)}-00`);
  return next(request);
};

/** Random bytes as hexadecimal digits, never all of them zero. */
function randomHex(bytes: number): string {
  const digits = Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return /[^0]/.test(digits) ? digits : randomHex(bytes);
}
