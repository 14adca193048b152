import type { ConnectError } from "@connectrpc/connect";
import { callUnaryMethod, createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { CatalogService, type ListBeersResponse } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { type CatalogueSearch, requestFor } from "./search";

const { listBeers } = CatalogService.method;
const pageSize = 24;

/** The beers that the address asks for, page by page. Facets come with the first page only. */
export function useBeers(search: CatalogueSearch) {
  const transport = useTransport();
  const input = { ...requestFor(search), pageSize };
  return useInfiniteQuery<
    ListBeersResponse,
    ConnectError,
    { pages: ListBeersResponse[] },
    readonly unknown[],
    string
  >({
    queryKey: createConnectQueryKey({ schema: listBeers, input, cardinality: "infinite" }),
    queryFn: ({ pageParam, signal }) =>
      callUnaryMethod(
        transport,
        listBeers,
        { ...input, pageToken: pageParam, skipFacets: pageParam !== "" },
        { signal },
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextPageToken || undefined,
    // While a filter changes the old beers stay, dimmed, instead of giving way to skeletons.
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}
