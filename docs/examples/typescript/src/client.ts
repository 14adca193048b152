import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { CartCommandService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { NotificationService } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { PaymentService } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { type Session, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";

export type Client = ReturnType<typeof dial>;

/** The part of the shop's API that this program uses, as somebody. Calls nobody yet. */
export function dial(baseUrl: string) {
  const anonymous = createClient(UserService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  let session: Promise<Session | undefined> = Promise.resolve(undefined);

  // Renewals take turns: a refresh token works once, and using it twice ends the session.
  const current = () => {
    session = session.then(async (held) => {
      if (!held?.expiresAt || timestampMs(held.expiresAt) - Date.now() > 30_000) return held;
      return (await anonymous.refreshSession({ refreshToken: held.refreshToken })).session;
    });
    return session;
  };
  const authorize: Interceptor = (next) => async (req) => {
    const held = await current();
    if (held) req.header.set("Authorization", `Bearer ${held.accessToken}`);
    return next(req);
  };

  // createGrpcTransport from the same package, with the same options, makes it speak gRPC.
  const transport = createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors: [authorize] });
  return {
    users: createClient(UserService, transport),
    catalog: createClient(CatalogService, transport),
    cart: createClient(CartCommandService, transport),
    orders: createClient(OrderService, transport),
    payments: createClient(PaymentService, transport),
    notifications: createClient(NotificationService, transport),
    /** From now on calls are made in this session. */
    keep(next: Session | undefined) {
      session = Promise.resolve(next);
    },
  };
}
