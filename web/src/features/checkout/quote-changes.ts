import type { Quote } from "@taproom/sdk/taproom/order/v1/order_pb";
import { formatMoney } from "@/lib/money";

/** What became different between the quote that a customer saw and the one of now, in sentences. */
export function quoteChanges(before: Quote, now: Quote): string[] {
  const changes: string[] = [];
  const old = new Map(before.lines.map((line) => [line.beerId, line]));
  for (const line of now.lines) {
    const was = old.get(line.beerId);
    old.delete(line.beerId);
    if (!was) {
      changes.push(`${line.beerName} was added.`);
      continue;
    }
    if (was.quantity !== line.quantity) {
      changes.push(`${line.beerName}: ${line.quantity} instead of ${was.quantity}.`);
    }
    if (was.unitPrice?.minorUnits !== line.unitPrice?.minorUnits) {
      changes.push(
        `${line.beerName} now costs ${formatMoney(line.unitPrice)} instead of ${formatMoney(was.unitPrice)}.`,
      );
    }
  }
  for (const gone of old.values()) changes.push(`${gone.beerName} is no longer in your cart.`);
  if (before.shipping?.minorUnits !== now.shipping?.minorUnits) {
    changes.push(`Shipping is now ${formatMoney(now.shipping)} instead of ${formatMoney(before.shipping)}.`);
  }
  if (before.total?.minorUnits !== now.total?.minorUnits) {
    changes.push(`The total is now ${formatMoney(now.total)} instead of ${formatMoney(before.total)}.`);
  }
  return changes.length > 0 ? changes : ["Your cart was touched, but beers and total are the same."];
}
