import { Minus, Plus } from "lucide-react";
import { Button, Group, Input, NumberField } from "react-aria-components";

type QuantityProps = {
  label: string;
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  isDisabled?: boolean;
};

const step =
  "flex size-11 cursor-pointer items-center justify-center rounded-full text-ink hover:bg-sunken disabled:cursor-not-allowed disabled:opacity-40";

/** A number of units, with buttons for one more and one less. */
export function Quantity({ label, value, onChange, min = 1, max = 999, isDisabled }: QuantityProps) {
  return (
    <NumberField
      aria-label={label}
      value={value}
      onChange={(next) => !Number.isNaN(next) && next !== value && onChange(next)}
      minValue={min}
      maxValue={max}
      isDisabled={isDisabled}
      formatOptions={{ maximumFractionDigits: 0 }}
    >
      <Group className="inline-flex items-center rounded-full border border-edge bg-surface focus-within:border-copper">
        <Button slot="decrement" className={step}>
          <Minus aria-hidden className="size-4" />
        </Button>
        <Input className="figures h-11 w-10 bg-transparent text-center font-semibold outline-none focus-visible:rounded focus-visible:outline-3 focus-visible:outline-copper" />
        <Button slot="increment" className={step}>
          <Plus aria-hidden className="size-4" />
        </Button>
      </Group>
    </NumberField>
  );
}
