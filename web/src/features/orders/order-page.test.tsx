import { NotificationService, Topic } from "@taproom/sdk/taproom/notification/v1/notification_pb";
import { CancelReason, OrderService, OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";
import { ShippingService } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { customerId, renderShop } from "@/testing/shop";

const id = "0192f000-0000-7000-8000-00000000aaaa";

type Notice = { type: string };

async function openOrder(start: OrderState) {
  const order = { id, userId: customerId, state: start, cancelRequested: false, cancelReason: 0 };
  let send: (notice: Notice) => void = () => undefined;
  await renderShop({
    path: `/orders/${id}`,
    signedIn: true,
    routes: ({ service }) => {
      service(OrderService, {
        getOrder: () => ({ order }),
        getOrderTimeline: () => ({
          entries: [{ number: 1n, type: "order.placed", description: "You placed the order." }],
        }),
        cancelOrder: () => {
          if (order.state === OrderState.PENDING) {
            order.state = OrderState.CANCELLED;
            order.cancelReason = CancelReason.CUSTOMER;
          } else order.cancelRequested = true;
          return { order };
        },
      });
      service(ShippingService, { getShipment: () => ({ shipment: { progressPercent: 40 } }) });
      service(NotificationService, {
        listNotifications: () => ({}),
        async *subscribe() {
          yield { message: { case: "heartbeat" as const, value: { lastNumber: 0n } } };
          for (let number = 1n; ; number++) {
            const notice = await new Promise<Notice>((resolve) => {
              send = resolve;
            });
            yield {
              message: {
                case: "notification" as const,
                value: { topic: Topic.ORDER, subjectId: id, ...notice, number },
              },
            };
          }
        },
      });
    },
  });
  const reach = (state: OrderState) => {
    order.state = state;
    send({ type: "order.progressed" });
  };
  return { reach };
}

it("follows the order by itself", async () => {
  const { reach } = await openOrder(OrderState.PENDING);
  expect(await screen.findByText("You placed the order.")).toBeDefined();
  const state = () => screen.getByTestId("order-state").dataset.state;
  expect(state()).toBe("PENDING");
  for (const next of [OrderState.PAID, OrderState.DELIVERING]) {
    reach(next);
    await waitFor(() => expect(state()).toBe(OrderState[next]));
  }
  expect(await screen.findByText("40%")).toBeDefined();
  reach(OrderState.DELIVERED);
  await waitFor(() => expect(state()).toBe("DELIVERED"));
  expect(screen.queryByRole("button", { name: "Cancel order" })).toBeNull();
});

it("cancels a pending order at once", async () => {
  await openOrder(OrderState.PENDING);
  await userEvent.click(await screen.findByRole("button", { name: "Cancel order" }));
  await userEvent.click(await screen.findByRole("button", { name: "Yes, cancel it" }));
  expect(await screen.findByText("You cancelled this order.")).toBeDefined();
});

it("shows that a paid order's cancellation is not settled yet", async () => {
  await openOrder(OrderState.PAID);
  await userEvent.click(await screen.findByRole("button", { name: "Cancel order" }));
  await userEvent.click(await screen.findByRole("button", { name: "Yes, cancel it" }));
  expect(await screen.findByText(/You asked to cancel this order/)).toBeDefined();
  expect(screen.queryByRole("button", { name: "Cancel order" })).toBeNull();
});
