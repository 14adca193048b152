import {
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type HandlerContext,
} from "@connectrpc/connect";
import { CartQueryService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { expect, it, vi } from "vitest";
import { authenticate } from "./transport";

function shop(valid: string, session: Parameters<typeof authenticate>[0]) {
  const seen: (string | null)[] = [];
  const check = (context: HandlerContext) => {
    const header = context.requestHeader.get("authorization");
    seen.push(header);
    if (header !== `Bearer ${valid}`) throw new ConnectError("", Code.Unauthenticated);
    return {};
  };
  const transport = createRouterTransport(
    ({ service }) => {
      service(CartQueryService, { getCart: (_request, context) => check(context) });
      service(CatalogService, {
        listStyles: (_request, context) => {
          seen.push(context.requestHeader.get("authorization"));
          return {};
        },
      });
    },
    { transport: { interceptors: [authenticate(session)] } },
  );
  return {
    seen,
    carts: createClient(CartQueryService, transport),
    catalog: createClient(CatalogService, transport),
  };
}

it("renews a refused token and repeats the call once", async () => {
  const session = { token: async () => "old", renew: vi.fn(async () => "new") };
  const { carts, seen } = shop("new", session);
  await carts.getCart({});
  expect(session.renew).toHaveBeenCalledExactlyOnceWith("old");
  expect(seen).toEqual(["Bearer old", "Bearer new"]);
});

it("gives up when the new token is refused as well", async () => {
  const { carts, seen } = shop("other", { token: async () => "old", renew: async () => "new" });
  await expect(carts.getCart({})).rejects.toMatchObject({ code: Code.Unauthenticated });
  expect(seen).toHaveLength(2);
});

it("sends no token to methods that the schema opens to everybody", async () => {
  const token = vi.fn(async () => "secret");
  const { catalog, seen } = shop("secret", { token, renew: async () => undefined });
  await catalog.listStyles({});
  expect(seen).toEqual([null]);
  expect(token).not.toHaveBeenCalled();
});
