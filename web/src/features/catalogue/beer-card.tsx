import { Link } from "@tanstack/react-router";
import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import type { ReactNode } from "react";
import { AddToCart } from "@/components/add-to-cart";
import { BeerPicture } from "@/components/beer-picture";
import { formatVolume } from "@/lib/beer";
import { formatMoney } from "@/lib/money";

const few = 6;

/** A beer in the catalogue. The whole card leads to the beer; the name is the link that screen readers hear. */
export function BeerCard({
  beer,
  available,
  eager,
}: {
  beer: Beer;
  available: number | undefined;
  eager?: boolean;
}) {
  const soldOut = available === 0;
  return (
    <article className="card group relative flex h-full flex-col overflow-hidden transition-shadow focus-within:shadow-card hover:shadow-card">
      <div className="relative overflow-hidden">
        <BeerPicture
          path={beer.picturePath}
          eager={eager}
          className={`transition-transform duration-300 group-hover:scale-[1.03] ${soldOut ? "opacity-50 grayscale" : ""}`}
        />
        {soldOut && <Badge className="bg-ink text-paper">Sold out</Badge>}
        {available !== undefined && available > 0 && available <= few && (
          <Badge className="bg-amber text-[#2b1c11]">Only {available} left</Badge>
        )}
      </div>
      <div className="flex flex-1 flex-col p-3.5 sm:p-4">
        <p className="truncate text-sm text-muted">{beer.brewery?.name}</p>
        <h2 className="mt-0.5 text-lg leading-snug font-bold">
          <Link
            to="/beers/$slug"
            params={{ slug: beer.slug }}
            className="after:absolute after:inset-0 after:rounded-2xl"
          >
            {beer.name}
          </Link>
        </h2>
        <p className="mt-1 mb-3 text-sm text-muted">
          {beer.style?.name} · {beer.abv.toFixed(1)} % · {formatVolume(beer.volumeMl)}
        </p>
        <div className="mt-auto flex items-center justify-between gap-2">
          <p className="figures text-lg font-bold">{formatMoney(beer.price)}</p>
          {!soldOut && !beer.archived && <AddToCart beerId={beer.id} name={beer.name} compact />}
        </div>
      </div>
    </article>
  );
}

function Badge({ className, children }: { className: string; children: ReactNode }) {
  return (
    <p className={`absolute top-3 left-3 rounded-full px-2.5 py-1 text-xs font-bold ${className}`}>
      {children}
    </p>
  );
}
