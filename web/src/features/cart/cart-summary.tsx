import { create } from "@bufbuild/protobuf";
import { MoneySchema } from "@taproom/sdk/taproom/type/v1/money_pb";
import { ButtonLink } from "@/components/button";
import { formatMoney } from "@/lib/money";
import { useVisitor } from "@/lib/session/use-session";
import type { Line } from "./lines";

/** The sum, and the way on. */
export function CartSummary({ lines }: { lines: Line[] }) {
  const { status } = useVisitor();
  const minorUnits = lines.reduce((sum, line) => sum + line.total, 0n);
  const currency = lines.find((line) => line.beer?.price)?.beer?.price?.currency ?? "EUR";
  const unsellable = lines.some((line) => !line.beer || line.beer.archived);

  return (
    <section aria-label="Summary" className="card p-6 lg:sticky lg:top-24">
      <p className="flex items-baseline justify-between gap-4">
        <span className="font-semibold">Subtotal</span>
        <span className="figures font-display text-2xl font-extrabold">
          {formatMoney(create(MoneySchema, { minorUnits, currency }))}
        </span>
      </p>
      <p className="mt-1 mb-5 text-sm text-muted">Tax included. Shipping comes with the next step.</p>
      {unsellable ? (
        <p className="font-medium text-alarm">Remove what is no longer sold to go on.</p>
      ) : (
        <ButtonLink to="/checkout" size="large" className="w-full">
          Go to checkout
        </ButtonLink>
      )}
      {status !== "customer" && !unsellable && (
        <p className="mt-4 text-center text-sm text-muted">
          You sign in or register first; your cart comes along.
        </p>
      )}
    </section>
  );
}
