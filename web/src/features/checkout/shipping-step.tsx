import type { ShippingMethod } from "@taproom/sdk/taproom/shipping/v1/shipping_pb";
import { RadioGroup } from "react-aria-components";
import { ChoiceCard } from "@/components/choice-card";
import { LoadError, Loading, Note, Skeleton } from "@/components/states";
import { countryName } from "@/lib/countries";
import { formatMoney } from "@/lib/money";
import { Step } from "./step";
import type { Checkout } from "./use-checkout";

export function ShippingStep({ checkout }: { checkout: Checkout }) {
  const { address, methods, method, chooseMethod } = checkout;
  return (
    <Step number={2} title="How?">
      {!address ? (
        <p className="text-muted">Tell us where to first.</p>
      ) : methods.isPending ? (
        <Loading label="Loading shipping methods">
          <Skeleton className="h-24" />
        </Loading>
      ) : methods.error ? (
        <LoadError error={methods.error} onRetry={() => void methods.refetch()} />
      ) : methods.data?.methods.length === 0 ? (
        <Note tone="bad">
          We don't ship to {countryName(address.address?.country ?? "")} yet. Choose another address.
        </Note>
      ) : (
        <RadioGroup
          aria-label="Shipping method"
          value={method?.id ?? null}
          onChange={chooseMethod}
          className="grid gap-3"
        >
          {methods.data?.methods.map((option) => (
            <ChoiceCard key={option.id} value={option.id}>
              <Method method={option} />
            </ChoiceCard>
          ))}
        </RadioGroup>
      )}
    </Step>
  );
}

function Method({ method }: { method: ShippingMethod }) {
  return (
    <span className="flex items-start justify-between gap-4">
      <span>
        <span className="block font-semibold">{method.name}</span>
        <span className="block text-sm text-muted">
          {method.description || `About ${method.days} ${method.days === 1 ? "day" : "days"}`}
          {method.freeFrom && ` Free from ${formatMoney(method.freeFrom)}.`}
        </span>
      </span>
      <span className="figures font-semibold">
        {method.rate?.minorUnits === 0n ? "Free" : formatMoney(method.rate)}
      </span>
    </span>
  );
}
