import { type ReactNode, useId } from "react";

/** One of the numbered parts of the checkout. */
export function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className="mb-4 flex items-center gap-3 text-xl font-bold">
        <span
          aria-hidden
          className="flex size-8 items-center justify-center rounded-full bg-copper text-base text-on-copper"
        >
          {number}
        </span>
        {title}
      </h2>
      {children}
    </section>
  );
}
