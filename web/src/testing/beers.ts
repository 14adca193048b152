import { create } from "@bufbuild/protobuf";
import { BeerSchema, Format } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";

export const beerId = (number: number) =>
  `0192f000-0000-7000-8000-0000000001${String(number).padStart(2, "0")}`;

/** A beer that tells itself apart by its number. */
export const beerOf = (number: number) =>
  create(BeerSchema, {
    id: beerId(number),
    slug: `beer-${number}`,
    name: `Beer ${number}`,
    brewery: { id: "north-quay", name: "North Quay" },
    style: { id: "pils", name: "Pilsner" },
    description: "It tastes.",
    abv: 5.1,
    ibu: 30,
    srm: 4,
    format: Format.CAN,
    volumeMl: 330,
    price: { minorUnits: 249n, currency: "EUR" },
  });
