import type { ReactNode } from "react";
import { usePageTitle } from "./page";

/** The title of one of the account's pages, with what can be done there. */
export function PanelHeading({ title, children }: { title: string; children?: ReactNode }) {
  usePageTitle(title);
  return (
    <div className="mb-6 flex min-h-11 flex-wrap items-center justify-between gap-3">
      <h1 className="text-3xl font-extrabold">{title}</h1>
      {children}
    </div>
  );
}
