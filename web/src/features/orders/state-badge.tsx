import { OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";
import { stateName } from "./states";

/** Where an order stands, in a word. */
export function StateBadge({ state }: { state: OrderState }) {
  const look =
    state === OrderState.CANCELLED
      ? "bg-alarm-soft text-alarm"
      : state === OrderState.DELIVERED
        ? "bg-hop-soft text-hop"
        : "bg-sunken text-ink";
  return (
    <span
      data-testid="order-state"
      data-state={OrderState[state]}
      className={`inline-block rounded-full px-3 py-1 text-sm font-semibold ${look}`}
    >
      {stateName(state)}
    </span>
  );
}
