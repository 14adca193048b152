import type { OrderLine } from "@taproom/sdk/taproom/order/v1/order_pb";
import type { Money } from "@taproom/sdk/taproom/type/v1/money_pb";
import { formatMoney } from "@/lib/money";

type CostLinesProps = { lines: OrderLine[]; subtotal?: Money; shipping?: Money; total?: Money };

/** What an order or a quote is made of, down to the total. */
export function CostLines({ lines, subtotal, shipping, total }: CostLinesProps) {
  return (
    <div className="figures">
      <ul className="space-y-2.5">
        {lines.map((line) => (
          <li key={line.beerId} className="flex justify-between gap-4">
            <span>
              <span className="text-muted">{line.quantity} ×</span> {line.beerName}
            </span>
            <span>{formatMoney(line.lineTotal)}</span>
          </li>
        ))}
      </ul>
      <dl className="mt-4 space-y-1.5 border-t border-line pt-4">
        <Row name="Subtotal" amount={formatMoney(subtotal)} />
        <Row name="Shipping" amount={shipping?.minorUnits === 0n ? "Free" : formatMoney(shipping)} />
        <div className="flex items-baseline justify-between gap-4 pt-2">
          <dt className="font-bold">Total</dt>
          <dd className="font-display text-2xl font-extrabold">{formatMoney(total)}</dd>
        </div>
      </dl>
    </div>
  );
}

function Row({ name, amount }: { name: string; amount: string }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="text-muted">{name}</dt>
      <dd>{amount}</dd>
    </div>
  );
}
