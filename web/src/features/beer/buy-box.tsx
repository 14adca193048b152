import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import type { Money } from "@taproom/sdk/taproom/type/v1/money_pb";
import { useState } from "react";
import { AddToCart } from "@/components/add-to-cart";
import { Quantity } from "@/components/quantity";
import { useStock } from "@/lib/api/stock";
import { formatMoney, pricePerLitre } from "@/lib/money";

/** The price, what is in stock, and the way into the cart. */
export function BuyBox({ beer }: { beer: Beer }) {
  const [quantity, setQuantity] = useState(1);
  const available = useStock([beer.id])?.get(beer.id);
  const perLitre = pricePerLitre(beer.price, beer.volumeMl);
  const forSale = !beer.archived && available !== 0;

  return (
    <section aria-label="Buy" className="card mt-7 p-5 sm:p-6">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <p className="figures font-display text-3xl font-extrabold">{formatMoney(beer.price)}</p>
        {perLitre && (
          <p className="figures text-muted">{formatMoney(perLitre as Money)} per litre, tax included</p>
        )}
      </div>
      <p className="mt-2 font-medium" role="status">
        <StockText archived={beer.archived} available={available} />
      </p>
      {forSale && (
        <div className="mt-5 flex flex-wrap items-center gap-3">
          <Quantity
            label="Quantity"
            value={quantity}
            onChange={setQuantity}
            max={Math.min(999, available ?? 999)}
          />
          <AddToCart beerId={beer.id} name={beer.name} quantity={quantity} />
        </div>
      )}
    </section>
  );
}

function StockText({ archived, available }: { archived: boolean; available: number | undefined }) {
  if (archived) return <span className="text-alarm">No longer sold</span>;
  if (available === undefined) return <span className="text-muted">Looking what is in stock…</span>;
  if (available === 0) return <span className="text-alarm">Sold out for now</span>;
  if (available <= 6) return <span className="text-copper">Only {available} left</span>;
  return <span className="text-hop">In stock</span>;
}
