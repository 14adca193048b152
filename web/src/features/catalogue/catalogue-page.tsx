import { getRouteApi } from "@tanstack/react-router";
import { SearchX, SlidersHorizontal } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Button } from "@/components/button";
import { SelectField } from "@/components/field";
import { usePageTitle } from "@/components/page";
import { Empty, LoadError } from "@/components/states";
import { BeerGrid, BeerGridSkeleton } from "./beer-grid";
import { ChosenFilters } from "./chosen-filters";
import { FacetList } from "./facet-list";
import { type CatalogueSearch, type SortName, sorts } from "./search";
import { SearchBox } from "./search-box";
import { useBeers } from "./use-beers";

// Only phones need it, and only when the filters are opened.
const Dialog = lazy(async () => ({ default: (await import("@/components/dialog")).Dialog }));

const route = getRouteApi("/");

export function CataloguePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const beers = useBeers(search);
  const [filtersOpen, setFiltersOpen] = useState(false);
  usePageTitle(search.q ? `“${search.q}”` : "");

  const change = (next: CatalogueSearch, replace = false) =>
    void navigate({ search: next, replace, resetScroll: false });
  const first = beers.data?.pages[0];
  const facets = first?.facets ?? [];
  const total = Number(first?.totalSize ?? 0n);
  const facetList = <FacetList facets={facets} search={search} onChange={change} />;

  return (
    <>
      <section className="border-b border-line bg-sunken/60">
        <div className="page py-8 sm:py-11">
          <h1 className="text-4xl leading-[1.05] font-extrabold sm:text-5xl">Good beer, brought round.</h1>
          <p className="mt-2.5 mb-6 text-lg text-muted">
            Small breweries, honest prices, and a courier you can follow to your door.
          </p>
          <SearchBox
            query={search.q ?? ""}
            onSearch={(q) => change({ ...search, q: q || undefined }, true)}
          />
        </div>
      </section>
      <div className="page grid gap-x-10 py-8 lg:grid-cols-[15rem_1fr]">
        <aside aria-label="Filters" className="hidden lg:block">
          {facetList}
        </aside>
        <section aria-label="Beers" className="min-w-0">
          <div className="mb-5 flex flex-wrap items-center gap-3">
            <p role="status" className="mr-auto w-full font-medium text-muted sm:w-auto">
              {beers.isPending ? "Looking…" : beers.isError ? "" : total === 1 ? "1 beer" : `${total} beers`}
            </p>
            <Button
              variant="secondary"
              size="small"
              className="lg:hidden"
              onPress={() => setFiltersOpen(true)}
            >
              <SlidersHorizontal aria-hidden className="size-4" />
              Filters
            </Button>
            <SelectField
              label="Sort by"
              hideLabel
              value={search.sort ?? "best"}
              onChange={(sort) => change({ ...search, sort: sort as SortName })}
              className="min-w-0 flex-1 sm:flex-none"
            >
              {Object.entries(sorts).map(([name, { label }]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </SelectField>
          </div>
          <ChosenFilters search={search} facets={facets} onChange={change} />
          {beers.isPending && <BeerGridSkeleton />}
          {beers.isError && !beers.data && (
            <LoadError error={beers.error} onRetry={() => void beers.refetch()} />
          )}
          {beers.data && total === 0 && (
            <Empty title="No beer is quite like that" icon={<SearchX className="size-7" />}>
              <p className="max-w-sm text-muted">Try fewer filters or another word.</p>
              <Button variant="secondary" onPress={() => change({})}>
                Show all beers
              </Button>
            </Empty>
          )}
          <div className={`space-y-5 transition-opacity ${beers.isPlaceholderData ? "opacity-50" : ""}`}>
            {beers.data?.pages.map((page, index) => (
              <BeerGrid key={page.beers[0]?.id ?? index} beers={page.beers} eager={index === 0} />
            ))}
          </div>
          {beers.hasNextPage && (
            <div className="mt-10 flex justify-center">
              <Button
                variant="secondary"
                isPending={beers.isFetchingNextPage}
                onPress={() => void beers.fetchNextPage()}
              >
                Show more beers
              </Button>
            </div>
          )}
          {beers.isFetchNextPageError && (
            <LoadError error={beers.error} onRetry={() => void beers.fetchNextPage()} />
          )}
        </section>
      </div>
      {filtersOpen && (
        <Suspense>
          <Dialog title="Filters" side isOpen onClose={() => setFiltersOpen(false)}>
            {facetList}
            <div className="sticky -bottom-6 -mx-6 mt-6 -mb-6 border-t border-line bg-paper p-4">
              <Button className="w-full" onPress={() => setFiltersOpen(false)}>
                Show {total === 1 ? "1 beer" : `${total} beers`}
              </Button>
            </div>
          </Dialog>
        </Suspense>
      )}
    </>
  );
}
