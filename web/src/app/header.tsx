import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { ButtonLink } from "@/components/button";
import { CartLink } from "@/features/cart/cart-link";
import { useVisitor } from "@/lib/session/use-session";
import { ThemeButton } from "./theme-button";

// Only customers see these; the others need not load them.
const NotificationBell = lazy(async () => ({
  default: (await import("@/features/notifications/notification-bell")).NotificationBell,
}));
const AccountMenu = lazy(async () => ({ default: (await import("./account-menu")).AccountMenu }));

const navLink =
  "rounded-full px-3.5 py-2 font-medium text-muted hover:text-ink aria-[current=page]:text-ink aria-[current=page]:bg-sunken";

export function Header() {
  const { status } = useVisitor();
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-paper/95 backdrop-blur">
      <div className="page flex h-16 items-center gap-1 sm:gap-2">
        <Link to="/" className="mr-auto flex items-center gap-2.5 rounded-lg sm:mr-4">
          <img src="/icon.svg" alt="" width={32} height={32} className="size-8" />
          <span className="font-display text-xl font-extrabold tracking-tight">Taproom</span>
        </Link>
        <nav aria-label="Main" className="mr-auto hidden gap-1 sm:flex">
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }} className={navLink}>
            Beers
          </Link>
          {status === "customer" && (
            <Link to="/orders" className={navLink}>
              Orders
            </Link>
          )}
        </nav>
        <ThemeButton />
        {status === "customer" ? (
          <Suspense fallback={<span className="size-11" />}>
            <NotificationBell />
            <AccountMenu />
          </Suspense>
        ) : (
          status !== "restoring" && (
            <ButtonLink to="/sign-in" variant="quiet" size="small" className="px-3!">
              Sign in
            </ButtonLink>
          )
        )}
        <CartLink />
      </div>
    </header>
  );
}
