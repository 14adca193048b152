import { OrderState } from "@taproom/sdk/taproom/order/v1/order_pb";
import { Check } from "lucide-react";
import { steps } from "./states";

/** How far an order has come. Changes are spoken. */
export function OrderSteps({ state }: { state: OrderState }) {
  const reached = steps.findIndex((step) => step.state === state);
  const current = steps[reached];
  return (
    <section aria-label="Progress" className="card p-5 sm:p-7">
      <p role="status" className="mb-5 text-lg">
        <strong>{current?.name}.</strong> {current?.meaning}
      </p>
      <ol className="flex">
        {steps.map((step, index) => (
          <li
            key={step.state}
            aria-current={index === reached ? "step" : undefined}
            className="relative flex flex-1 flex-col items-center gap-2 text-center"
          >
            {index > 0 && (
              <span
                aria-hidden
                className={`absolute top-4 right-1/2 h-1 w-full -translate-y-1/2 ${index <= reached ? "bg-copper" : "bg-line"}`}
              />
            )}
            <Dot done={index < reached || state === OrderState.DELIVERED} current={index === reached} />
            <span className={`hidden text-sm sm:block ${index === reached ? "font-bold" : "text-muted"}`}>
              {step.name}
              <span className="sr-only">
                {index < reached ? ", done" : index > reached ? ", to come" : ", now"}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Dot({ done, current }: { done: boolean; current: boolean }) {
  const look = done
    ? "border-copper bg-copper text-on-copper"
    : current
      ? "border-copper bg-surface"
      : "border-line bg-surface";
  return (
    <span
      aria-hidden
      className={`relative z-10 flex size-8 items-center justify-center rounded-full border-3 ${look}`}
    >
      {done ? (
        <Check className="size-4" strokeWidth={3.5} />
      ) : (
        current && <span className="size-3 animate-pulse rounded-full bg-copper" />
      )}
    </span>
  );
}
