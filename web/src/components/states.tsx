import { CircleAlert, Info, RotateCcw } from "lucide-react";
import type { ReactNode } from "react";
import { explain } from "@/lib/errors/messages";
import { Button } from "./button";

/** A grey stand-in for what is loading. Hidden from screen readers: `Loading` speaks for all of them. */
export function Skeleton({ className = "" }: { className?: string }) {
  return <span aria-hidden className={`block animate-pulse rounded-lg bg-sunken ${className}`} />;
}

/** Wraps skeletons and says once that something is loading. */
export function Loading({ label = "Loading", children }: { label?: string; children?: ReactNode }) {
  return (
    <div role="status">
      <span className="sr-only">{label}…</span>
      {children}
    </div>
  );
}

/** Something could not be loaded; offers to try again. */
export function LoadError({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div role="alert" className="card flex flex-col items-center gap-4 px-6 py-12 text-center">
      <CircleAlert aria-hidden className="size-9 text-alarm" />
      <p className="max-w-md text-lg">{explain(error)}</p>
      {onRetry && (
        <Button variant="secondary" onPress={onRetry}>
          <RotateCcw aria-hidden className="size-4" />
          Try again
        </Button>
      )}
    </div>
  );
}

/** Nothing here, and what to do about it. */
export function Empty({ title, icon, children }: { title: string; icon?: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-4 rounded-2xl border border-dashed border-edge/60 px-6 py-14 text-center">
      {icon && (
        <span
          aria-hidden
          className="flex size-14 items-center justify-center rounded-full bg-sunken text-muted"
        >
          {icon}
        </span>
      )}
      <h2 className="text-xl font-bold">{title}</h2>
      {children}
    </div>
  );
}

/** A message within a form or page. Errors are spoken at once. */
export function Note({ tone, children }: { tone: "bad" | "info" | "good"; children: ReactNode }) {
  const look = {
    bad: "bg-alarm-soft text-alarm",
    info: "bg-sunken text-ink",
    good: "bg-hop-soft text-hop",
  }[tone];
  return (
    <div role={tone === "bad" ? "alert" : "status"} className={`flex gap-3 rounded-xl px-4 py-3 ${look}`}>
      <Info aria-hidden className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0">{children}</div>
    </div>
  );
}
