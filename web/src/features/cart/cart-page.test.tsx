import { Code, ConnectError } from "@connectrpc/connect";
import { CartCommandService, CartQueryService } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import { CatalogService } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";
import { Role, UserService } from "@taproom/sdk/taproom/user/v1/user_pb";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { beerId, beerOf } from "@/testing/beers";
import { customerId, guestId, renderShop, sessionOf } from "@/testing/shop";

const items = [
  { beerId: beerId(1), quantity: 2 },
  { beerId: beerId(2), quantity: 1 },
];
const catalog = {
  batchGetBeers: ({ ids }: { ids: string[] }) => ({ beers: ids.map((id) => beerOf(Number(id.slice(-2)))) }),
};

it("adds up the prices of the catalogue", async () => {
  await renderShop({
    path: "/cart",
    signedIn: true,
    routes: ({ service }) => {
      service(CatalogService, catalog);
      service(CartQueryService, { getCart: () => ({ cart: { id: customerId, items, version: 3n } }) });
    },
  });
  expect(await screen.findByText("€7.47")).toBeDefined();
  expect(screen.getByRole("link", { name: "Cart, 3 items" })).toBeDefined();
});

it("shows a change at once, and takes it back when it fails", async () => {
  let fail: (error: unknown) => void = () => undefined;
  await renderShop({
    path: "/cart",
    signedIn: true,
    routes: ({ service }) => {
      service(CatalogService, catalog);
      service(CartQueryService, { getCart: () => ({ cart: { id: customerId, items, version: 3n } }) });
      service(CartCommandService, {
        changeQuantity: () =>
          new Promise((_resolve, reject) => {
            fail = reject;
          }),
      });
    },
  });
  const more = await screen.findAllByRole("button", { name: /Increase/ });
  await userEvent.click(more[0] as HTMLElement);
  expect(await screen.findByText("€9.96")).toBeDefined();
  fail(new ConnectError("", Code.Unavailable));
  expect(await screen.findByText("€7.47")).toBeDefined();
  expect(await screen.findByText(/can't be reached/)).toBeDefined();
});

it("starts a guest at the first beer, and only then", async () => {
  const startGuest = vi.fn(() => ({ session: sessionOf(guestId, Role.GUEST) }));
  const addItem = vi.fn(({ beerId, quantity }: { beerId: string; quantity: number }) => ({
    cart: { id: guestId, items: [{ beerId, quantity }], version: 1n },
  }));
  await renderShop({
    path: "/beers/beer-1",
    routes: ({ service }) => {
      service(UserService, { startGuest });
      service(CatalogService, { ...catalog, getBeer: () => ({ beer: beerOf(1) }) });
      service(CartCommandService, { addItem });
      service(CartQueryService, {
        getCart: () => ({ cart: { id: guestId, items: [{ beerId: beerId(1), quantity: 1 }], version: 1n } }),
      });
    },
  });
  const add = await screen.findByRole("button", { name: "Add to cart" });
  expect(startGuest).not.toHaveBeenCalled();
  await userEvent.click(add);
  await waitFor(() => expect(screen.getByRole("link", { name: "Cart, 1 item" })).toBeDefined());
  await userEvent.click(add);
  await waitFor(() => expect(addItem).toHaveBeenCalledTimes(2));
  expect(startGuest).toHaveBeenCalledTimes(1);
});

it("repeats the same request after a failure, so that nothing is added twice", async () => {
  const ids: string[] = [];
  await renderShop({
    path: "/beers/beer-1",
    signedIn: true,
    routes: ({ service }) => {
      service(CatalogService, { getBeer: () => ({ beer: beerOf(1) }) });
      service(CartCommandService, {
        addItem: ({ requestId }) => {
          ids.push(requestId);
          if (ids.length === 1) throw new ConnectError("", Code.Unavailable);
          return { cart: { id: customerId, version: 1n } };
        },
      });
    },
  });
  const add = await screen.findByRole("button", { name: "Add to cart" });
  for (const calls of [1, 2, 3]) {
    await userEvent.click(add);
    await waitFor(() => expect(ids).toHaveLength(calls));
  }
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
});
