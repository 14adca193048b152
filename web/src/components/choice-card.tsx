import type { ReactNode } from "react";
import { Radio, type RadioProps } from "react-aria-components";

/** One of several cards to choose from. */
export function ChoiceCard({
  children,
  ...props
}: Omit<RadioProps, "children" | "className"> & { children: ReactNode }) {
  return (
    <Radio
      {...props}
      className="group flex cursor-pointer items-start gap-3 rounded-xl border border-line bg-surface p-4 transition-colors hover:border-edge selected:border-copper selected:ring-1 selected:ring-copper disabled:cursor-not-allowed disabled:opacity-60 focus-visible:outline-3 focus-visible:outline-offset-2 focus-visible:outline-copper"
    >
      <span className="mt-0.5 flex size-5 shrink-0 items-center justify-center rounded-full border border-edge bg-surface group-selected:border-copper">
        <span className="size-2.5 rounded-full bg-copper opacity-0 group-selected:opacity-100" />
      </span>
      <span className="min-w-0 flex-1">{children}</span>
    </Radio>
  );
}
