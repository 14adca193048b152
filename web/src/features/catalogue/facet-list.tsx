import type { Facet } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { useState } from "react";
import { Button, CheckboxGroup, Label } from "react-aria-components";
import { Check } from "@/components/check";
import { type CatalogueSearch, type FacetName, inAddress, isFacetName } from "./search";

const titles: Record<FacetName, string> = {
  style: "Style",
  brewery: "Brewery",
  category: "Shelf",
  format: "Comes in",
  tag: "Good to know",
};
const order: FacetName[] = ["category", "style", "format", "tag", "brewery"];
const shownAtFirst = 7;

type FacetListProps = {
  facets: Facet[];
  search: CatalogueSearch;
  onChange: (search: CatalogueSearch) => void;
};

/** The filters with how many beers each choice would show. */
export function FacetList({ facets, search, onChange }: FacetListProps) {
  const known = facets.filter((facet) => isFacetName(facet.name));
  return (
    <div className="space-y-8">
      {order.map((name) => {
        const facet = known.find((candidate) => candidate.name === name);
        return (
          facet &&
          facet.values.length > 0 && (
            <FacetChoices
              key={name}
              name={name}
              facet={facet}
              chosen={search[name] ?? []}
              onChange={(values) => onChange({ ...search, [name]: values.length > 0 ? values : undefined })}
            />
          )
        );
      })}
    </div>
  );
}

type FacetChoicesProps = {
  name: FacetName;
  facet: Facet;
  chosen: string[];
  onChange: (values: string[]) => void;
};

function FacetChoices({ name, facet, chosen, onChange }: FacetChoicesProps) {
  const [all, setAll] = useState(false);
  const values = facet.values.map((value) => ({ ...value, key: inAddress(name, value.value) }));
  const shown = values.filter((value, index) => all || index < shownAtFirst || chosen.includes(value.key));
  return (
    <CheckboxGroup value={chosen} onChange={onChange} className="flex flex-col">
      <Label className="mb-1.5 font-display font-bold">{titles[name]}</Label>
      {shown.map((value) => (
        <Check key={value.key} value={value.key}>
          <span className="min-w-0 flex-1 truncate">{value.label || value.value}</span>
          <span className="figures text-sm text-muted">
            <span className="sr-only">, beers: </span>
            {String(value.count)}
          </span>
        </Check>
      ))}
      {values.length > shownAtFirst && (
        <Button
          className="link mt-1.5 cursor-pointer self-start py-1 text-sm"
          onPress={() => setAll(!all)}
          aria-expanded={all}
        >
          {all ? "Show fewer" : `Show all ${values.length}`}
        </Button>
      )}
    </CheckboxGroup>
  );
}
