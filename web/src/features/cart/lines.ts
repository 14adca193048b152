import type { CartItem } from "@taproom/sdk/taproom/cart/v1/cart_pb";
import type { Beer } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";

/** A line of the cart with what catalogue and stock say about its beer. */
export type Line = {
  beerId: string;
  quantity: number;
  beer: Beer | undefined;
  /** Price of all units in minor units, by the catalogue's price of this moment. */
  total: bigint;
  /** Why it can't be ordered like this; undefined when it can. */
  trouble: string | undefined;
};

export function cartLines(
  items: CartItem[],
  beers: Map<string, Beer> | undefined,
  stock: Map<string, number> | undefined,
): Line[] {
  return items.map(({ beerId, quantity }) => {
    const beer = beers?.get(beerId);
    const total = (beer?.price?.minorUnits ?? 0n) * BigInt(quantity);
    return { beerId, quantity, beer, total, trouble: troubleWith(beer, quantity, stock?.get(beerId)) };
  });
}

function troubleWith(
  beer: Beer | undefined,
  quantity: number,
  available: number | undefined,
): string | undefined {
  if (!beer || beer.archived) return "No longer sold. Please remove it.";
  if (available === undefined || available >= quantity) return undefined;
  return available === 0 ? "Sold out for now." : `Only ${available} left.`;
}
