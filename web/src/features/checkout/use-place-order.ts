import { createConnectQueryKey, useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { useState } from "react";
import { cartKey } from "@/lib/api/cart";
import { metadataOf, reasonOf } from "@/lib/errors/details";
import { explain } from "@/lib/errors/messages";
import { useRequestId } from "@/lib/request-id";
import { quoteChanges } from "./quote-changes";
import { type Checkout, walletId } from "./use-checkout";

type Outcome =
  | { kind: "changed"; changes: string[] }
  | { kind: "in-progress"; orderId: string | undefined; text: string }
  | { kind: "failed"; text: string };

/** Places the order. The same order keeps its request id however often it is sent, until it is known to be placed. */
export function usePlaceOrder({ quote, address, method, paymentId }: Checkout) {
  const [outcome, setOutcome] = useState<Outcome>();
  const place = useMutation(OrderService.method.placeOrder);
  const { idFor, done } = useRequestId();
  const navigate = useNavigate();
  const client = useQueryClient();

  const run = async () => {
    const seen = quote.data?.quote;
    if (!seen || !address || !method) return;
    setOutcome(undefined);
    const content = {
      quoteDigest: seen.digest,
      addressId: address.id,
      shippingMethodId: method.id,
      payment: {
        method:
          paymentId === walletId
            ? { case: "wallet" as const, value: true }
            : { case: "cardId" as const, value: paymentId },
      },
    };
    try {
      const { order } = await place.mutateAsync({ ...content, requestId: idFor(content) });
      done();
      const { listOrders } = OrderService.method;
      void client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: listOrders, cardinality: undefined }),
      });
      void client.invalidateQueries({ queryKey: cartKey });
      await navigate({ to: "/orders/$orderId", params: { orderId: order?.id ?? "" }, replace: true });
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === "ORDER_IN_PROGRESS") {
        return setOutcome({
          kind: "in-progress",
          orderId: metadataOf(error, "order_id"),
          text: explain(error),
        });
      }
      if (reason === "REQUEST_ID_REUSED") done();
      if (reason !== "QUOTE_CHANGED") return setOutcome({ kind: "failed", text: explain(error) });
      const { data } = await quote.refetch();
      if (data?.quote) setOutcome({ kind: "changed", changes: quoteChanges(seen, data.quote) });
    }
  };

  return { run, isPending: place.isPending, outcome };
}
