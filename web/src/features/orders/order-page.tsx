import { Code } from "@connectrpc/connect";
import { useQuery } from "@connectrpc/connect-query";
import { getRouteApi } from "@tanstack/react-router";
import { type Order, OrderService, OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";
import { AddressLines } from "@/components/address-lines";
import { CostLines } from "@/components/cost-lines";
import { NotFound } from "@/components/not-found";
import { Page } from "@/components/page";
import { LoadError, Loading, Note, Skeleton } from "@/components/states";
import { formatDateTime } from "@/lib/dates";
import { CancelOrder } from "./cancel-order";
import { CourierProgress } from "./courier-progress";
import { OrderSteps } from "./order-steps";
import { OrderTimeline } from "./order-timeline";
import { StateBadge } from "./state-badge";
import { cancelText } from "./states";

const route = getRouteApi("/customers/orders/$orderId");

/** An order. It keeps itself up to date: live updates mark it stale. */
export function OrderPage() {
  const { orderId } = route.useParams();
  const query = useQuery(OrderService.method.getOrder, { id: orderId });
  const order = query.data?.order;
  if (query.error?.code === Code.NotFound || query.error?.code === Code.InvalidArgument) return <NotFound />;

  return (
    <Page title="Your order" aside={order && <StateBadge state={order.state} />}>
      {query.isPending && (
        <Loading label="Loading your order">
          <Skeleton className="h-28" />
          <Skeleton className="mt-8 h-72" />
        </Loading>
      )}
      {query.error && !order && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {order && <OrderDetails order={order} />}
    </Page>
  );
}

function OrderDetails({ order }: { order: Order }) {
  const cancelled = order.state === OrderState.CANCELLED;
  return (
    <>
      {cancelled ? (
        <Note tone="bad">{cancelText(order.cancelReason)}</Note>
      ) : (
        <OrderSteps state={order.state} />
      )}
      {order.state === OrderState.DELIVERING && <CourierProgress orderId={order.id} />}
      <div className="mt-10 grid items-start gap-8 lg:grid-cols-[1fr_22rem] lg:gap-12">
        <OrderTimeline orderId={order.id} />
        <div className="space-y-5">
          <section aria-label="What you ordered" className="card p-6">
            <h2 className="mb-4 text-xl font-bold">What you ordered</h2>
            <CostLines
              lines={order.lines}
              subtotal={order.subtotal}
              shipping={order.shipping}
              total={order.total}
            />
          </section>
          <section aria-label="Delivery" className="card p-6">
            <h2 className="mb-3 text-xl font-bold">Goes to</h2>
            {order.address && <AddressLines address={order.address} />}
            <p className="mt-4 text-sm text-muted">
              Placed {formatDateTime(order.placedAt)},{" "}
              {order.payment?.method.case === "wallet" ? "paid from your wallet" : "paid by card"}.
              <br />
              Order number <span className="break-all">{order.id}</span>
            </p>
          </section>
          <CancelOrder order={order} />
        </div>
      </div>
    </>
  );
}
