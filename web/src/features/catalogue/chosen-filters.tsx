import type { Facet } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { X } from "lucide-react";
import { Button } from "react-aria-components";
import { type CatalogueSearch, facetNames, inAddress } from "./search";

type ChosenFiltersProps = {
  search: CatalogueSearch;
  facets: Facet[];
  onChange: (search: CatalogueSearch) => void;
};

const chip =
  "inline-flex min-h-9 cursor-pointer items-center gap-1.5 rounded-full border border-line bg-surface px-3 text-sm font-medium hover:border-edge";

/** What is filtered by, each with a cross to take it away. */
export function ChosenFilters({ search, facets, onChange }: ChosenFiltersProps) {
  const chosen = facetNames.flatMap((name) => (search[name] ?? []).map((value) => ({ name, value })));
  if (chosen.length === 0) return null;
  const label = (name: string, value: string) =>
    facets
      .find((facet) => facet.name === name)
      ?.values.find((candidate) => inAddress(name as (typeof facetNames)[number], candidate.value) === value)
      ?.label ?? value;
  return (
    <ul aria-label="Chosen filters" className="mb-5 flex flex-wrap gap-2">
      {chosen.map(({ name, value }) => (
        <li key={`${name}:${value}`}>
          <Button
            className={chip}
            aria-label={`Remove filter ${label(name, value)}`}
            onPress={() => {
              const rest = search[name]?.filter((other) => other !== value);
              onChange({ ...search, [name]: rest?.length ? rest : undefined });
            }}
          >
            {label(name, value)}
            <X aria-hidden className="size-4" />
          </Button>
        </li>
      ))}
      <li>
        <Button
          className={`${chip} border-transparent bg-transparent text-copper`}
          onPress={() => onChange({ q: search.q, sort: search.sort })}
        >
          Clear filters
        </Button>
      </li>
    </ul>
  );
}
