import { createConnectQueryKey } from "@connectrpc/connect-query";
import type { QueryClient } from "@tanstack/react-query";
import {
  type Notification,
  NotificationService,
  Topic,
} from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { PaymentService } from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { ShippingService } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { refetchCart } from "@/lib/api/cart";

const finite = "finite" as const;

/** Marks what an update concerns as out of date; what is on the screen is fetched again. */
export function applyNotice(client: QueryClient, notice: Notification): void {
  const stale = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey });
  switch (notice.topic) {
    case Topic.ORDER: {
      const { getOrder, getOrderTimeline, listOrders } = OrderService.method;
      const id = notice.subjectId;
      stale(createConnectQueryKey({ schema: getOrder, input: { id }, cardinality: finite }));
      stale(createConnectQueryKey({ schema: getOrderTimeline, input: { id }, cardinality: finite }));
      stale(
        createConnectQueryKey({
          schema: ShippingService.method.getShipment,
          input: { orderId: id },
          cardinality: finite,
        }),
      );
      stale(createConnectQueryKey({ schema: listOrders, cardinality: undefined }));
      stale(
        createConnectQueryKey({
          schema: NotificationService.method.listNotifications,
          cardinality: undefined,
        }),
      );
      break;
    }
    case Topic.CART:
      refetchCart(client, notice.subjectId, notice.version);
      break;
    case Topic.WALLET:
      stale(createConnectQueryKey({ schema: PaymentService.method.getWallet, cardinality: undefined }));
      stale(
        createConnectQueryKey({ schema: PaymentService.method.listTransactions, cardinality: undefined }),
      );
      break;
  }
}

/** Marks everything live as out of date, after a time in which updates may have been missed. */
export function applyReconnect(client: QueryClient, visitorId: string): void {
  for (const schema of [OrderService, PaymentService, ShippingService, NotificationService]) {
    void client.invalidateQueries({
      queryKey: createConnectQueryKey({ schema, cardinality: undefined }),
      predicate: (query) => !isQuote(query.queryKey),
    });
  }
  refetchCart(client, visitorId, 0n);
}

/** A quote on the screen is what the customer agrees to: it changes when they are told, not behind their back. */
const isQuote = (key: readonly unknown[]) =>
  (key[1] as { methodName?: string } | undefined)?.methodName === OrderService.method.quoteOrder.name;
