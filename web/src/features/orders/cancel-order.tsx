import { createConnectQueryKey, useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { type Order, OrderService, OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";
import { useState } from "react";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { Note } from "@/components/states";
import { toast } from "@/components/toast";
import { explain } from "@/lib/errors/messages";
import { useRequestId } from "@/lib/request-id";
import { isCancellable } from "./states";

/** Asks for a cancellation, and shows that one was asked for. From `PAID` on it is shipping that decides. */
export function CancelOrder({ order }: { order: Order }) {
  const [asking, setAsking] = useState(false);
  const { idFor, done } = useRequestId();
  const client = useQueryClient();
  const cancel = useMutation(OrderService.method.cancelOrder, {
    onSuccess: () => done(),
    onError: (error) => toast({ title: explain(error), tone: "bad" }),
    onSettled: () => {
      setAsking(false);
      return client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: OrderService, cardinality: undefined }),
      });
    },
  });

  if (!isCancellable(order.state)) return null;
  if (order.cancelRequested) {
    return (
      <Note tone="info">
        You asked to cancel this order. We are stopping the parcel if it hasn't left yet…
      </Note>
    );
  }
  const pending = order.state === OrderState.PENDING;
  const confirm = () => cancel.mutate({ id: order.id, requestId: idFor(order.id) });

  return (
    <>
      <Button variant="danger" className="w-full" onPress={() => setAsking(true)}>
        Cancel order
      </Button>
      <Dialog alert title="Cancel this order?" isOpen={asking} onClose={() => setAsking(false)}>
        <p>
          {pending
            ? "Your order is cancelled at once, and you are not charged."
            : "We stop the parcel if a courier doesn't have it yet, and give your money back."}
        </p>
        <div className="mt-6 flex flex-wrap gap-3">
          <Button variant="danger" onPress={confirm} isPending={cancel.isPending}>
            Yes, cancel it
          </Button>
          <Button variant="quiet" onPress={() => setAsking(false)}>
            Keep the order
          </Button>
        </div>
      </Dialog>
    </>
  );
}
