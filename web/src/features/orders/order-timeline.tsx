import { useQuery } from "@connectrpc/connect-query";
import { OrderService } from "@taproom/sdk/taproom/order/v1/order_pb";
import { LoadError, Loading, Skeleton } from "@/components/states";
import { formatTime, isoDate } from "@/lib/dates";

/** What happened to an order, the newest first. */
export function OrderTimeline({ orderId }: { orderId: string }) {
  const { data, isPending, error, refetch } = useQuery(OrderService.method.getOrderTimeline, { id: orderId });
  const entries = data?.entries.toReversed() ?? [];
  return (
    <section aria-label="What happened">
      <h2 className="mb-5 text-xl font-bold">What happened</h2>
      {isPending && (
        <Loading label="Loading what happened">
          <Skeleton className="h-56" />
        </Loading>
      )}
      {error && !data && <LoadError error={error} onRetry={() => void refetch()} />}
      <ol className="border-l-2 border-line" data-testid="timeline">
        {entries.map((entry, index) => (
          <li key={String(entry.number)} className="relative pb-6 pl-6 last:pb-0">
            <span
              aria-hidden
              className={`absolute top-1.5 -left-[7px] size-3 rounded-full ${
                entry.compensation ? "bg-alarm" : index === 0 ? "bg-copper" : "bg-edge"
              }`}
            />
            <p className={index === 0 ? "font-semibold" : ""}>{entry.description || entry.type}</p>
            <p className="figures text-sm text-muted">
              <time dateTime={isoDate(entry.occurredAt)}>{formatTime(entry.occurredAt)}</time>
              {entry.compensation && " · undone"}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
