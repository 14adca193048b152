import { Check as CheckMark } from "lucide-react";
import type { ReactNode } from "react";
import { Checkbox, type CheckboxProps } from "react-aria-components";

/** A checkbox with its label. */
export function Check({
  children,
  ...props
}: Omit<CheckboxProps, "children" | "className"> & { children: ReactNode }) {
  return (
    <Checkbox
      {...props}
      className="group flex min-h-9 cursor-pointer items-center gap-2.5 text-[0.95rem] disabled:opacity-50"
    >
      <span className="flex size-5 shrink-0 items-center justify-center rounded-md border border-edge bg-surface text-on-copper transition-colors group-selected:border-copper group-selected:bg-copper group-focus-visible:outline-3 group-focus-visible:outline-offset-2 group-focus-visible:outline-copper">
        <CheckMark aria-hidden className="size-4 opacity-0 group-selected:opacity-100" strokeWidth={3} />
      </span>
      {children}
    </Checkbox>
  );
}
