import { Plus } from "lucide-react";
import { useState } from "react";
import { RadioGroup } from "react-aria-components";
import { AddressForm } from "@/components/address-form";
import { AddressLines } from "@/components/address-lines";
import { Button } from "@/components/button";
import { ChoiceCard } from "@/components/choice-card";
import { Dialog } from "@/components/dialog";
import { Step } from "./step";
import type { Checkout } from "./use-checkout";

export function AddressStep({ checkout }: { checkout: Checkout }) {
  const { addresses, address, chooseAddress } = checkout;
  const [adding, setAdding] = useState(false);
  const saved = addresses.data?.addresses ?? [];

  if (saved.length === 0) {
    return (
      <Step number={1} title="Where to?">
        <div className="card p-5 sm:p-6">
          <AddressForm onSaved={(added) => added && chooseAddress(added.id)} />
        </div>
      </Step>
    );
  }
  return (
    <Step number={1} title="Where to?">
      <RadioGroup
        aria-label="Delivery address"
        value={address?.id ?? null}
        onChange={chooseAddress}
        className="grid gap-3 sm:grid-cols-2"
      >
        {saved.map((option) => (
          <ChoiceCard key={option.id} value={option.id}>
            {option.address && <AddressLines address={option.address} />}
          </ChoiceCard>
        ))}
      </RadioGroup>
      <Button variant="quiet" size="small" className="mt-2 -ml-2" onPress={() => setAdding(true)}>
        <Plus aria-hidden className="size-4" />
        Another address
      </Button>
      <Dialog title="New address" isOpen={adding} onClose={() => setAdding(false)}>
        <AddressForm
          onSaved={(added) => {
            if (added) chooseAddress(added.id);
            setAdding(false);
          }}
        />
      </Dialog>
    </Step>
  );
}
