import { getOption } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Access, access } from "@taproom/sdk/taproom/policy/v1/policy_pb";
import type { Session } from "@/lib/session/session";
import { beginTrace } from "./trace";

const callTimeout = 20_000;

/** Calls without a token: catalogue reads, and the session's own calls, which carry a cookie. */
export function createPublicTransport(options: { keepalive?: boolean } = {}): Transport {
  return createGrpcWebTransport({
    baseUrl: window.location.origin,
    defaultTimeoutMs: callTimeout,
    interceptors: [beginTrace, nameNetworkErrors],
    // A refresh that outlives its page still brings its new cookie.
    fetch: (input, init) => globalThis.fetch(input, { ...init, keepalive: options.keepalive ?? false }),
  });
}

/** Calls of the shop, with the token of the session where the schema asks for one. */
export function createShopTransport(session: Session): Transport {
  return createGrpcWebTransport({
    baseUrl: window.location.origin,
    defaultTimeoutMs: callTimeout,
    interceptors: [beginTrace, authenticate(session), nameNetworkErrors],
  });
}

/** Sends the access token to methods that need one, and a second time, with a new one, when it was refused. */
export function authenticate(session: Pick<Session, "token" | "renew">): Interceptor {
  return (next) => async (request) => {
    if (getOption(request.method, access) === Access.PUBLIC) return next(request);
    const token = await session.token();
    if (!token) throw new ConnectError("no session", Code.Unauthenticated);
    request.header.set("Authorization", `Bearer ${token}`);
    try {
      return await next(request);
    } catch (error) {
      if (request.stream || !isUnauthenticated(error)) throw error;
      const renewed = await session.renew(token);
      if (!renewed) throw error;
      request.header.set("Authorization", `Bearer ${renewed}`);
      return next(request);
    }
  };
}

/** A fetch that never reached the shop is `Unavailable`, so that reads are retried and people are told. */
const nameNetworkErrors: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.Unknown && error.cause instanceof TypeError) {
      throw new ConnectError(
        "the shop can't be reached",
        Code.Unavailable,
        undefined,
        undefined,
        error.cause,
      );
    }
    throw error;
  }
};

export const isUnauthenticated = (error: unknown) =>
  error instanceof ConnectError && error.code === Code.Unauthenticated;
