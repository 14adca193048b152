import { Link } from "@tanstack/react-router";
import { Button } from "@/components/button";
import { CostLines } from "@/components/cost-lines";
import { Loading, Note, Skeleton } from "@/components/states";
import { explain } from "@/lib/errors/messages";
import { formatMoney } from "@/lib/money";
import { type Checkout, walletId } from "./use-checkout";
import type { usePlaceOrder } from "./use-place-order";

type OrderSummaryProps = { checkout: Checkout; order: ReturnType<typeof usePlaceOrder> };

/** What it costs, what became of the last try, and the button. */
export function OrderSummary({ checkout, order }: OrderSummaryProps) {
  const { quote, wallet, paymentId } = checkout;
  const current = quote.data?.quote;
  const available = wallet.data?.wallet?.available?.minorUnits;
  const short =
    paymentId === walletId &&
    current?.total &&
    available !== undefined &&
    available < current.total.minorUnits;
  const agreed = order.outcome?.kind === "changed" ? "Agree and order" : "Order and pay";

  return (
    <section aria-label="Your order" className="card p-6 lg:sticky lg:top-24">
      <h2 className="mb-4 text-xl font-bold">Your order</h2>
      {!checkout.address && <p className="text-muted">The total follows once we know where it goes.</p>}
      {checkout.method && !current && !quote.error && (
        <Loading label="Working out the total">
          <Skeleton className="h-40" />
        </Loading>
      )}
      {quote.error && (
        <Note tone="bad">
          {explain(quote.error)}{" "}
          <Link to="/cart" className="underline underline-offset-4">
            Look at your cart
          </Link>
        </Note>
      )}
      {current && !quote.error && <CostLines {...current} />}
      <div className="mt-5 space-y-4 empty:hidden">
        <LastTry outcome={order.outcome} />
        {short && (
          <Note tone="info">
            Your wallet holds {formatMoney(wallet.data?.wallet?.available)}.{" "}
            <Link to="/account/wallet" className="link">
              Top it up
            </Link>{" "}
            or pay by card.
          </Note>
        )}
      </div>
      <Button
        size="large"
        className="mt-5 w-full"
        isDisabled={!current || Boolean(quote.error) || Boolean(short) || quote.isFetching}
        isPending={order.isPending}
        onPress={() => void order.run()}
      >
        {current ? `${agreed} ${formatMoney(current.total)}` : agreed}
      </Button>
    </section>
  );
}

function LastTry({ outcome }: { outcome: OrderSummaryProps["order"]["outcome"] }) {
  if (!outcome) return null;
  if (outcome.kind === "changed") {
    return (
      <Note tone="bad">
        <p className="font-semibold">Something changed since you looked:</p>
        <ul className="mt-1 list-disc pl-5">
          {outcome.changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      </Note>
    );
  }
  return (
    <Note tone="bad">
      {outcome.text}{" "}
      {outcome.kind === "in-progress" && outcome.orderId && (
        <Link
          to="/orders/$orderId"
          params={{ orderId: outcome.orderId }}
          className="underline underline-offset-4"
        >
          Show that order
        </Link>
      )}
    </Note>
  );
}
