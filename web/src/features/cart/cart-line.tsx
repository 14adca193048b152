import { create } from "@bufbuild/protobuf";
import { Link } from "@tanstack/react-router";
import { MoneySchema } from "@taproom/sdk/taproom/type/v1/money_pb";
import { Trash2 } from "lucide-react";
import { BeerPicture } from "@/components/beer-picture";
import { IconButton } from "@/components/button";
import { Quantity } from "@/components/quantity";
import { toast } from "@/components/toast";
import { useChangeCart } from "@/lib/api/cart";
import { formatVolume } from "@/lib/beer";
import { explain } from "@/lib/errors/messages";
import { formatMoney } from "@/lib/money";
import type { Line } from "./lines";

export function CartLine({ line }: { line: Line }) {
  const { beer, beerId, quantity, trouble } = line;
  const change = useChangeCart();
  const name = beer?.name ?? "Unknown beer";
  const set = (units: number) =>
    change.mutate(
      { beerId, quantity: units },
      { onError: (error) => toast({ title: explain(error), tone: "bad" }) },
    );

  return (
    <li className="flex gap-4 py-5 sm:gap-6">
      <div className="w-20 shrink-0 sm:w-24">
        <BeerPicture path={beer?.picturePath ?? ""} className="rounded-xl" />
      </div>
      <div className="flex min-w-0 flex-1 flex-col justify-between gap-3">
        <div className="flex items-start justify-between gap-3">
          <div className="min-w-0">
            <h2 className="text-lg leading-snug font-bold">
              {beer ? (
                <Link to="/beers/$slug" params={{ slug: beer.slug }} className="hover:underline">
                  {name}
                </Link>
              ) : (
                name
              )}
            </h2>
            {beer && (
              <p className="text-sm text-muted">
                {beer.brewery?.name} · {formatVolume(beer.volumeMl)} · {formatMoney(beer.price)} each
              </p>
            )}
            {trouble && <p className="mt-1 text-sm font-semibold text-alarm">{trouble}</p>}
          </div>
          <IconButton label={`Remove ${name}`} onPress={() => set(0)} className="-mt-1.5 text-muted">
            <Trash2 aria-hidden className="size-5" />
          </IconButton>
        </div>
        <div className="flex items-center justify-between gap-3">
          <Quantity label={`Quantity of ${name}`} value={quantity} onChange={set} />
          {beer?.price && (
            <p className="figures text-lg font-bold">
              {formatMoney(create(MoneySchema, { minorUnits: line.total, currency: beer.price.currency }))}
            </p>
          )}
        </div>
      </div>
    </li>
  );
}
