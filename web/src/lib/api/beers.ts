import { useQuery } from "@connectrpc/connect-query";
import { keepPreviousData } from "@tanstack/react-query";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";

/** Beers by id. What stood before stays while the set of ids changes. */
export function useBeersById(ids: string[]) {
  return useQuery(
    CatalogService.method.batchGetBeers,
    // In a fixed order, so that the same set is one entry of the cache.
    { ids: [...ids].sort() },
    {
      enabled: ids.length > 0,
      staleTime: 10_000,
      placeholderData: keepPreviousData,
      select: (answer) => new Map(answer.beers.map((beer) => [beer.id, beer])),
    },
  );
}
