import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import type { ReactNode } from "react";
import { formatName, formatVolume } from "@/lib/beer";
import { srmColor, srmName } from "@/lib/srm";

/** Strength, bitterness, colour and content. */
export function BeerFacts({ beer }: { beer: Beer }) {
  return (
    <dl className="mt-8 grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line sm:grid-cols-3">
      <Fact name="Strength">{beer.abv.toFixed(1)} % vol</Fact>
      <Fact name="Bitterness">{beer.ibu} IBU</Fact>
      <Fact name="Colour">
        <span className="flex items-center gap-2">
          <span
            aria-hidden
            className="size-5 shrink-0 rounded-full border border-edge"
            style={{ backgroundColor: srmColor(beer.srm) }}
          />
          {srmName(beer.srm)} <span className="text-sm font-normal text-muted">({beer.srm} SRM)</span>
        </span>
      </Fact>
      <Fact name="Style">{beer.style?.name}</Fact>
      <Fact name="Comes in">{formatName(beer.format)}</Fact>
      <Fact name="Content">{formatVolume(beer.volumeMl)}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="bg-surface px-4 py-3.5">
      <dt className="text-sm text-muted">{name}</dt>
      <dd className="font-semibold">{children}</dd>
    </div>
  );
}
