import { CancelReason, OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";

/** The way of an order, step by step. */
export const steps = [
  { state: OrderState.PENDING, name: "Placed", meaning: "We set your beers aside and ask for the money." },
  { state: OrderState.PAID, name: "Paid", meaning: "The money is there; the warehouse is told." },
  { state: OrderState.ASSEMBLING, name: "Being packed", meaning: "Somebody walks the shelves for you." },
  { state: OrderState.ASSEMBLED, name: "Packed", meaning: "Your parcel waits for a courier." },
  { state: OrderState.DELIVERING, name: "On its way", meaning: "A courier has your parcel." },
  { state: OrderState.DELIVERED, name: "Delivered", meaning: "Cheers!" },
] as const;

export const stateName = (state: OrderState) =>
  state === OrderState.CANCELLED
    ? "Cancelled"
    : (steps.find((step) => step.state === state)?.name ?? "Unknown");

const reasons: Record<CancelReason, string> = {
  [CancelReason.UNSPECIFIED]: "This order was cancelled.",
  [CancelReason.CUSTOMER]: "You cancelled this order.",
  [CancelReason.STAFF]: "We had to cancel this order.",
  [CancelReason.OUT_OF_STOCK]: "Somebody else got the last bottles first. You were not charged.",
  [CancelReason.PAYMENT_DECLINED]: "The payment was declined. Your beers are back in your cart.",
  [CancelReason.TIMEOUT]: "The order could not be completed in time. You were not charged.",
  [CancelReason.FRAUD]: "This order was stopped for security reasons.",
};

export const cancelText = (reason: CancelReason) => reasons[reason] ?? reasons[CancelReason.UNSPECIFIED];

/** Nothing more will happen to it. */
export const isFinal = (state: OrderState) =>
  state === OrderState.DELIVERED || state === OrderState.CANCELLED;

/** A customer may still ask for a cancellation. */
export const isCancellable = (state: OrderState) =>
  state >= OrderState.PENDING && state <= OrderState.ASSEMBLED;
