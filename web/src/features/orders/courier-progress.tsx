import { useQuery } from "@connectrpc/connect-query";
import { ShippingService } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { Truck } from "lucide-react";
import { Label, ProgressBar } from "react-aria-components";

/** How much of the courier's way is behind. Between the live updates the parcel is looked at every few seconds. */
export function CourierProgress({ orderId }: { orderId: string }) {
  const { data } = useQuery(
    ShippingService.method.getShipment,
    { orderId },
    { refetchInterval: 2_500, staleTime: 1_000 },
  );
  const percent = data?.shipment?.progressPercent ?? 0;
  return (
    <ProgressBar value={percent} className="card mt-5 p-5 sm:p-7">
      {({ valueText }) => (
        <>
          <div className="mb-3 flex justify-between gap-4">
            <Label className="font-semibold">Your courier's way</Label>
            <span className="figures">{valueText}</span>
          </div>
          <div className="relative h-3 rounded-full bg-sunken">
            <div
              className="h-full min-w-3 rounded-full bg-copper transition-[width] duration-700"
              style={{ width: `${percent}%` }}
            />
            <span
              aria-hidden
              className="absolute top-1/2 flex size-9 -translate-x-1/2 -translate-y-1/2 items-center justify-center rounded-full border-3 border-surface bg-copper text-on-copper transition-[left] duration-700"
              style={{ left: `clamp(1rem, ${percent}%, calc(100% - 1rem))` }}
            >
              <Truck className="size-4.5" />
            </span>
          </div>
        </>
      )}
    </ProgressBar>
  );
}
