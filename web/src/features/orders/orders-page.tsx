import { useInfiniteQuery } from "@connectrpc/connect-query";
import { Link } from "@tanstack/react-router";
import { type Order, OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { Package } from "lucide-react";
import { Button, ButtonLink } from "@/components/button";
import { Page } from "@/components/page";
import { Empty, LoadError, Loading, Skeleton } from "@/components/states";
import { formatDateTime, isoDate } from "@/lib/dates";
import { formatMoney } from "@/lib/money";
import { StateBadge } from "./state-badge";

export function OrdersPage() {
  const query = useInfiniteQuery(
    OrderService.method.listOrders,
    { pageSize: 20, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const orders = query.data?.pages.flatMap((page) => page.orders) ?? [];

  return (
    <Page title="Your orders" narrow>
      {query.isPending && (
        <Loading label="Loading your orders">
          <div className="space-y-4">
            <Skeleton className="h-28" />
            <Skeleton className="h-28" />
          </div>
        </Loading>
      )}
      {query.error && !query.data && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && orders.length === 0 && (
        <Empty title="No orders yet" icon={<Package className="size-7" />}>
          <ButtonLink to="/">See our beers</ButtonLink>
        </Empty>
      )}
      <ul className="space-y-4">
        {orders.map((order) => (
          <OrderRow key={order.id} order={order} />
        ))}
      </ul>
      {query.hasNextPage && (
        <div className="mt-8 flex justify-center">
          <Button
            variant="secondary"
            isPending={query.isFetchingNextPage}
            onPress={() => void query.fetchNextPage()}
          >
            Show older orders
          </Button>
        </div>
      )}
    </Page>
  );
}

function OrderRow({ order }: { order: Order }) {
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return (
    <li className="card relative p-5 transition-shadow hover:shadow-card">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 className="font-bold">
          <Link
            to="/orders/$orderId"
            params={{ orderId: order.id }}
            className="after:absolute after:inset-0 after:rounded-2xl"
          >
            <span className="sr-only">Order of </span>
            <time dateTime={isoDate(order.placedAt)}>{formatDateTime(order.placedAt)}</time>
          </Link>
        </h2>
        <StateBadge state={order.state} />
      </div>
      <div className="mt-2 flex items-end justify-between gap-4">
        <p className="line-clamp-2 text-muted">{order.lines.map((line) => line.beerName).join(", ")}</p>
        <p className="figures shrink-0 text-right">
          <span className="block text-sm text-muted">
            {units} {units === 1 ? "unit" : "units"}
          </span>
          <span className="text-lg font-bold">{formatMoney(order.total)}</span>
        </p>
      </div>
    </li>
  );
}
