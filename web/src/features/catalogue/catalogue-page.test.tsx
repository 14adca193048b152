import { Code, ConnectError } from "@connectrpc/connect";
import { CatalogService, type ListBeersRequest } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { InventoryService } from "@taproom/sdk/taproom/inventory/v1/inventory_pb";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { beerOf } from "@/testing/beers";
import { renderShop } from "@/testing/shop";

const facets = [
  { name: "format", values: [{ value: "FORMAT_CAN", label: "Can", count: 12n }] },
  { name: "tag", values: [{ value: "vegan", label: "Vegan", count: 5n }] },
];

it("shows beers with price and stock, and asks for the stock of a page in one call", async () => {
  const batchGetStock = vi.fn(({ beerIds }: { beerIds: string[] }) => ({
    stock: beerIds.map((beerId, index) => ({ beerId, available: index === 0 ? 0 : 9 })),
  }));
  await renderShop({
    path: "/",
    routes: ({ service }) => {
      service(CatalogService, {
        listBeers: () => ({ beers: [beerOf(1), beerOf(2)], totalSize: 2n, facets }),
      });
      service(InventoryService, { batchGetStock });
    },
  });
  const first = (await screen.findByText("Beer 1")).closest("article") as HTMLElement;
  expect(within(first).getByText("€2.49")).toBeDefined();
  expect(await within(first).findByText("Sold out")).toBeDefined();
  expect(within(first).queryByRole("button")).toBeNull();
  expect(screen.getByRole("button", { name: "Add Beer 2 to cart" })).toBeDefined();
  expect(batchGetStock).toHaveBeenCalledTimes(1);
});

it("keeps filters in the address and asks the server for them", async () => {
  const requests: ListBeersRequest[] = [];
  const { history } = await renderShop({
    path: "/?tag=vegan",
    routes: ({ service }) =>
      service(CatalogService, {
        listBeers: (request) => {
          requests.push(request);
          return { beers: [beerOf(1)], totalSize: 1n, facets };
        },
      }),
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole("checkbox", { name: /Can/ }));
  await waitFor(() => expect(history.location.search).toBe("?tag=vegan&format=can"));
  await waitFor(() => expect(requests.at(-1)?.filter).toMatchObject({ tags: ["vegan"], formats: [2] }));

  await user.type(screen.getByRole("searchbox"), "hazy{Enter}");
  await waitFor(() => expect(requests.at(-1)?.filter?.query).toBe("hazy"));
  expect(history.location.search).toContain("q=hazy");

  await user.click(screen.getByRole("button", { name: "Remove filter Vegan" }));
  await waitFor(() => expect(history.location.search).not.toContain("tag="));
});

it("fetches further pages by token, without facets", async () => {
  const listBeers = vi.fn(({ pageToken }: ListBeersRequest) =>
    pageToken ? { beers: [beerOf(2)] } : { beers: [beerOf(1)], nextPageToken: "more", totalSize: 2n, facets },
  );
  await renderShop({ path: "/", routes: ({ service }) => service(CatalogService, { listBeers }) });
  await userEvent.click(await screen.findByRole("button", { name: "Show more beers" }));
  expect(await screen.findByText("Beer 2")).toBeDefined();
  expect(listBeers.mock.lastCall?.[0]).toMatchObject({ pageToken: "more", skipFacets: true });
  expect(screen.getByText("2 beers")).toBeDefined();
});

it("says that nothing matches", async () => {
  await renderShop({
    path: "/?q=nothing",
    routes: ({ service }) => service(CatalogService, { listBeers: () => ({ totalSize: 0n }) }),
  });
  expect(await screen.findByText("No beer is quite like that")).toBeDefined();
});

it("retries a read that may succeed, and offers to when it doesn't", async () => {
  const listBeers = vi.fn(() => {
    throw new ConnectError("", Code.Unavailable);
  });
  await renderShop({ path: "/", routes: ({ service }) => service(CatalogService, { listBeers }) });
  expect(await screen.findByRole("button", { name: "Try again" })).toBeDefined();
  expect(listBeers).toHaveBeenCalledTimes(4);
});
