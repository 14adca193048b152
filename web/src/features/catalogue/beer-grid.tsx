import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { Loading, Skeleton } from "@/components/states";
import { useStock } from "@/lib/api/stock";
import { BeerCard } from "./beer-card";

const grid = "grid grid-cols-2 gap-3 sm:grid-cols-3 sm:gap-5 xl:grid-cols-4";

/** One page of beers, with the stock of all of them asked for at once. */
export function BeerGrid({ beers, eager }: { beers: Beer[]; eager?: boolean }) {
  const stock = useStock(beers.map((beer) => beer.id));
  return (
    <ul className={grid}>
      {beers.map((beer, index) => (
        <li key={beer.id}>
          <BeerCard beer={beer} available={stock?.get(beer.id)} eager={eager && index < 4} />
        </li>
      ))}
    </ul>
  );
}

export function BeerGridSkeleton() {
  return (
    <Loading label="Loading beers">
      <div className={grid}>
        {Array.from({ length: 8 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
          <div key={index} className="card overflow-hidden">
            <Skeleton className="aspect-[10/13] rounded-none" />
            <div className="space-y-2 p-4">
              <Skeleton className="h-5 w-4/5" />
              <Skeleton className="h-4 w-3/5" />
              <Skeleton className="mt-4 h-6 w-2/5" />
            </div>
          </div>
        ))}
      </div>
    </Loading>
  );
}
