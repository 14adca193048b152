import { createClient, type Transport } from "@connectrpc/connect";
import type { QueryClient } from "@tanstack/react-query";
import { CartCommandService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { wantCartVersion } from "@/lib/api/cart";
import { forgetVisitor } from "@/lib/api/keys";
import { createQueryClient } from "@/lib/api/query-client";
import { createPublicTransport, createShopTransport } from "@/lib/api/transport";
import { cartMerger } from "@/lib/session/merge-cart";
import { Session } from "@/lib/session/session";
import { browserTabs, type Tabs } from "@/lib/session/tabs";

/** What the pages stand on. */
export type Shop = { session: Session; transport: Transport; queries: QueryClient; tabs: Tabs };

/** Puts the parts together, once per tab. */
export function createShop(): Shop {
  const tabs = browserTabs();
  const queries = createQueryClient();
  const open = createPublicTransport();
  const session = new Session({
    users: createClient(UserService, createPublicTransport({ keepalive: true })),
    tabs,
    storage: window.localStorage,
    mergeCart: cartMerger(createClient(CartCommandService, open), (cart) =>
      wantCartVersion(queries, cart.id, cart.version),
    ),
  });
  session.onVisitorChange(() => forgetVisitor(queries));
  return { session, transport: createShopTransport(session), queries, tabs };
}
