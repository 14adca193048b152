import { useInfiniteQuery } from "@connectrpc/connect-query";
import { Link } from "@tanstack/react-router";
import {
  PaymentService,
  type Transaction,
  TransactionKind,
} from "@taproom/sdk/taproom/payment/v1/payment_pb";
import { Button } from "@/components/button";
import { LoadError, Loading, Skeleton } from "@/components/states";
import { formatDateTime, isoDate } from "@/lib/dates";
import { formatMoney } from "@/lib/money";

const kinds: Record<TransactionKind, string> = {
  [TransactionKind.UNSPECIFIED]: "Movement",
  [TransactionKind.TOP_UP]: "Top-up",
  [TransactionKind.HOLD]: "Held for an order",
  [TransactionKind.CAPTURE]: "Paid for an order",
  [TransactionKind.VOID]: "Hold released",
  [TransactionKind.REFUND]: "Refund",
};

/** What came and went, newest first. */
export function Transactions() {
  const query = useInfiniteQuery(
    PaymentService.method.listTransactions,
    { pageSize: 20, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const all = query.data?.pages.flatMap((page) => page.transactions) ?? [];

  return (
    <section className="mt-10">
      <h2 className="mb-4 text-xl font-bold">Movements</h2>
      {query.isPending && (
        <Loading label="Loading movements">
          <Skeleton className="h-32" />
        </Loading>
      )}
      {query.error && !query.data && <LoadError error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && all.length === 0 && <p className="text-muted">Nothing has come or gone yet.</p>}
      <ul className="divide-y divide-line">
        {all.map((transaction) => (
          <TransactionRow key={transaction.id} transaction={transaction} />
        ))}
      </ul>
      {query.hasNextPage && (
        <Button
          variant="secondary"
          className="mt-5"
          isPending={query.isFetchingNextPage}
          onPress={() => void query.fetchNextPage()}
        >
          Show older ones
        </Button>
      )}
    </section>
  );
}

function TransactionRow({ transaction }: { transaction: Transaction }) {
  const { kind, amount, orderId, createdAt } = transaction;
  const minorUnits = amount?.minorUnits ?? 0n;
  return (
    <li className="flex items-center justify-between gap-4 py-3.5">
      <div>
        <p className="font-medium">{kinds[kind] ?? kinds[TransactionKind.UNSPECIFIED]}</p>
        <p className="text-sm text-muted">
          <time dateTime={isoDate(createdAt)}>{formatDateTime(createdAt)}</time>
          {orderId && (
            <>
              {" · "}
              <Link to="/orders/$orderId" params={{ orderId }} className="link">
                Order
              </Link>
            </>
          )}
        </p>
      </div>
      <p className={`figures font-semibold ${minorUnits > 0n ? "text-hop" : ""}`}>
        {minorUnits > 0n && "+"}
        {formatMoney(amount)}
      </p>
    </li>
  );
}
