import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { CartQueryService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { expect, it } from "vitest";
import { beginTrace } from "./trace";
import { authenticate } from "./transport";

it("begins a trace with each call, and stays in it when the call is repeated with a new token", async () => {
  const seen: string[] = [];
  const transport = createRouterTransport(
    ({ service }) => {
      service(CartQueryService, {
        getCart: (_request, context) => {
          seen.push(context.requestHeader.get("traceparent") ?? "");
          if (context.requestHeader.get("authorization") === "Bearer old")
            throw new ConnectError("", Code.Unauthenticated);
          return {};
        },
      });
    },
    {
      transport: {
        interceptors: [beginTrace, authenticate({ token: async () => "old", renew: async () => "new" })],
      },
    },
  );
  const carts = createClient(CartQueryService, transport);
  await carts.getCart({});
  await carts.getCart({});
  expect(seen).toHaveLength(4);
  for (const header of seen) expect(header).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(seen[0]).toBe(seen[1]);
  expect(seen[2]).toBe(seen[3]);
  expect(seen[0]).not.toBe(seen[2]);
});
