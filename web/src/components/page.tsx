import { type ReactNode, useEffect } from "react";

/** The frame of a page: its title, in the tab as well, and what stands beside the title. */
export function Page({
  title,
  aside,
  children,
  narrow,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  narrow?: boolean;
}) {
  usePageTitle(title);
  return (
    <div className={`page py-8 sm:py-12 ${narrow ? "max-w-3xl!" : ""}`}>
      <div className="mb-8 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <h1 className="text-3xl font-extrabold sm:text-4xl">{title}</h1>
        {aside}
      </div>
      {children}
    </div>
  );
}

/** Names the tab after the page. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Taproom` : "Taproom";
  }, [title]);
}
