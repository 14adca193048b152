import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { Toasts } from "@/components/toast";
import { Footer } from "./footer";
import { Header } from "./header";

export function Layout() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const first = useRef(true);

  // Screen readers and keyboards go on from the top of the new page.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what the effect reacts to
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [pathname]);

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="sr-only z-50 rounded-full bg-copper px-5 py-3 font-semibold text-on-copper focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to content
      </a>
      <Header />
      <main id="content" ref={main} tabIndex={-1} className="flex-1 outline-none">
        <Outlet />
      </main>
      <Footer />
      <Toasts />
    </div>
  );
}
