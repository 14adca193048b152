import { BeerSort, Format } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";

/** The filters that take several values, by their names in the address and in the facets. */
export const facetNames = ["style", "brewery", "category", "format", "tag"] as const;
export type FacetName = (typeof facetNames)[number];

export const sorts = {
  best: { label: "Best match", sort: BeerSort.UNSPECIFIED },
  name: { label: "Name", sort: BeerSort.NAME },
  cheapest: { label: "Price: low to high", sort: BeerSort.PRICE_ASC },
  dearest: { label: "Price: high to low", sort: BeerSort.PRICE_DESC },
  strongest: { label: "Strongest first", sort: BeerSort.ABV_DESC },
  newest: { label: "Newest first", sort: BeerSort.NEWEST },
} as const;
export type SortName = keyof typeof sorts;

/** What the address of the catalogue says: the only place where filters are kept. */
export type CatalogueSearch = { q?: string; sort?: SortName } & Partial<Record<FacetName, string[]>>;

const formats: Record<string, Format> = { bottle: Format.BOTTLE, can: Format.CAN, keg: Format.KEG };

/** Reads the address; what makes no sense is left out. Each name is set, since the router keeps what isn't. */
export function readSearch(raw: Record<string, unknown>): CatalogueSearch {
  const sort = typeof raw.sort === "string" && raw.sort in sorts ? (raw.sort as SortName) : undefined;
  const search: CatalogueSearch = {
    q: words(raw.q).slice(0, 200) || undefined,
    sort: sort === "best" ? undefined : sort,
  };
  for (const name of facetNames) {
    const values = Array.isArray(raw[name]) ? raw[name].map(String) : words(raw[name]).split(",");
    const kept = values.filter((value) => value && (name !== "format" || value in formats)).slice(0, 20);
    search[name] = kept.length > 0 ? kept : undefined;
  }
  return search;
}

/** The request that the address asks for. */
export function requestFor(search: CatalogueSearch) {
  return {
    filter: {
      query: search.q ?? "",
      styleIds: search.style ?? [],
      breweryIds: search.brewery ?? [],
      categories: search.category ?? [],
      formats: (search.format ?? []).flatMap((value) => formats[value] ?? []),
      tags: (search.tag ?? []).slice(0, 10),
    },
    sort: sorts[search.sort ?? "best"].sort,
  };
}

/** A facet's value as it stands in the address: the format `FORMAT_CAN` is `can` there. */
export const inAddress = (name: FacetName, value: string) =>
  name === "format" ? value.replace(/^FORMAT_/, "").toLowerCase() : value;

export const isFacetName = (name: string): name is FacetName =>
  (facetNames as readonly string[]).includes(name);

const words = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
