import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createClient, createRouterTransport } from "@connectrpc/connect";
import { createMemoryHistory } from "@tanstack/react-router";
import { CartCommandService, CartQueryService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { InventoryService } from "@taproom/sdk/taproom/inventory/v1/inventory_pb";
import { NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { Role, type SessionSchema, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { act, render } from "@testing-library/react";
import { App } from "@/app/app";
import { forgetVisitor } from "@/lib/api/keys";
import { createQueryClient } from "@/lib/api/query-client";
import { authenticate } from "@/lib/api/transport";
import { cartMerger } from "@/lib/session/merge-cart";
import { Session } from "@/lib/session/session";
import { FakeBrowser } from "./browser";

export const customerId = "0192f000-0000-7000-8000-000000000001";
export const guestId = "0192f000-0000-7000-8000-000000000002";

let tokens = 0;

/** A session's proof as `user` hands it out. */
export function sessionOf(subjectId: string, role: Role): MessageInitShape<typeof SessionSchema> {
  return {
    accessToken: `token-${++tokens}`,
    expiresAt: timestampFromMs(Date.now() + 300_000),
    subjectId,
    role,
  };
}

type Routes = (router: { service: ConnectRouter["service"] }) => void;
type Options = { path: string; signedIn?: boolean; routes: Routes };

/** The whole shop at a path, in front of services that the test declares; others answer as an empty shop would. */
export async function renderShop({ path, signedIn, routes }: Options) {
  const browser = new FakeBrowser();
  if (signedIn) browser.storage.setItem("taproom.session", "1");
  const tabs = browser.tab();
  const queries = createQueryClient();
  queries.setDefaultOptions({ queries: { ...queries.getDefaultOptions().queries, retryDelay: 1 } });

  const all = (router: ConnectRouter) => {
    const declared = new Map<string, object>();
    const service: ConnectRouter["service"] = (desc, methods) => {
      declared.set(desc.typeName, { ...declared.get(desc.typeName), ...methods });
      return router.service(desc, declared.get(desc.typeName) as typeof methods);
    };
    quietServices({ service });
    routes({ service });
  };
  const open = createRouterTransport(all);
  const session = new Session({
    users: createClient(UserService, open),
    tabs,
    storage: browser.storage,
    mergeCart: cartMerger(createClient(CartCommandService, open), () => undefined),
    askMs: 1,
  });
  session.onVisitorChange(() => forgetVisitor(queries));
  const transport = createRouterTransport(all, { transport: { interceptors: [authenticate(session)] } });
  const history = createMemoryHistory({ initialEntries: [path] });
  const view = await act(async () =>
    render(<App session={session} transport={transport} queries={queries} tabs={tabs} history={history} />),
  );
  await act(() => session.restore());
  return { ...view, history, session, queries };
}

const quietServices: Routes = (router) => {
  router.service(UserService, {
    refreshSession: () => ({ session: sessionOf(customerId, Role.CUSTOMER) }),
    startGuest: () => ({ session: sessionOf(guestId, Role.GUEST) }),
  });
  router.service(CartQueryService, { getCart: () => ({ cart: { id: customerId } }) });
  router.service(CatalogService, {});
  router.service(InventoryService, {
    batchGetStock: ({ beerIds }) => ({ stock: beerIds.map((beerId) => ({ beerId, available: 50 })) }),
  });
  router.service(NotificationService, {
    listNotifications: () => ({}),
    async *subscribe(_request, context) {
      yield { message: { case: "heartbeat" as const, value: { lastNumber: 0n } } };
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    },
  });
};
