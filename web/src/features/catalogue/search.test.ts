import { Format } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { expect, it } from "vitest";
import { inAddress, readSearch, requestFor } from "./search";

it("reads filters from the address and leaves out what makes no sense", () => {
  const search = readSearch({
    q: " hazy ",
    style: "pils,altbier",
    format: "can,bucket",
    sort: "upside-down",
    x: "1",
  });
  expect(search).toEqual({ q: "hazy", style: ["pils", "altbier"], format: ["can"] });
});

it("makes them a request", () => {
  const { filter, sort } = requestFor({
    q: "hazy",
    brewery: ["north-quay"],
    format: ["can"],
    sort: "cheapest",
  });
  expect(filter).toMatchObject({
    query: "hazy",
    breweryIds: ["north-quay"],
    formats: [Format.CAN],
    tags: [],
  });
  expect(sort).toBe(2);
});

it("names a facet's formats as the address does", () => {
  expect(inAddress("format", "FORMAT_BOTTLE")).toBe("bottle");
  expect(inAddress("tag", "FORMAT_BOTTLE")).toBe("FORMAT_BOTTLE");
});
