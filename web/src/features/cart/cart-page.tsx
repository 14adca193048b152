import { ShoppingBasket } from "lucide-react";
import { ButtonLink } from "@/components/button";
import { Page } from "@/components/page";
import { Empty, LoadError, Loading, Skeleton } from "@/components/states";
import { useBeersById } from "@/lib/api/beers";
import { useCart } from "@/lib/api/cart";
import { useStock } from "@/lib/api/stock";
import { useVisitor } from "@/lib/session/use-session";
import { CartLine } from "./cart-line";
import { CartSummary } from "./cart-summary";
import { cartLines } from "./lines";

export function CartPage() {
  const { status } = useVisitor();
  const cart = useCart();
  const items = cart.data?.items ?? [];
  const ids = items.map((item) => item.beerId);
  const beers = useBeersById(ids);
  const stock = useStock(ids);
  const lines = cartLines(items, beers.data, stock);

  const waiting =
    status === "restoring" || (status !== "nobody" && cart.isPending) || (ids.length > 0 && beers.isPending);
  const error = cart.data ? beers.error : (cart.error ?? beers.error);

  return (
    <Page title="Your cart">
      {waiting && !error ? (
        <CartSkeleton />
      ) : error && (!cart.data || !beers.data) ? (
        <LoadError
          error={error}
          onRetry={() => {
            void cart.refetch();
            if (ids.length > 0) void beers.refetch();
          }}
        />
      ) : items.length === 0 ? (
        <Empty title="Nothing in here yet" icon={<ShoppingBasket className="size-7" />}>
          <p className="text-muted">Your next favourite is a few shelves away.</p>
          <ButtonLink to="/">See our beers</ButtonLink>
        </Empty>
      ) : (
        <div className="grid items-start gap-8 lg:grid-cols-[1fr_20rem]">
          <ul aria-label="Beers in your cart" className="divide-y divide-line border-y border-line">
            {lines.map((line) => (
              <CartLine key={line.beerId} line={line} />
            ))}
          </ul>
          <CartSummary lines={lines} />
        </div>
      )}
    </Page>
  );
}

function CartSkeleton() {
  return (
    <Loading label="Loading your cart">
      <div className="space-y-5">
        {[1, 2, 3].map((row) => (
          <div key={row} className="flex gap-4">
            <Skeleton className="h-28 w-22" />
            <div className="flex-1 space-y-3 py-2">
              <Skeleton className="h-5 w-1/2" />
              <Skeleton className="h-4 w-1/3" />
            </div>
          </div>
        ))}
      </div>
    </Loading>
  );
}
