import { Link, Outlet } from "@tanstack/react-router";

const places = [
  { to: "/account", label: "Profile" },
  { to: "/account/addresses", label: "Addresses" },
  { to: "/account/wallet", label: "Wallet" },
  { to: "/account/cards", label: "Cards" },
  { to: "/account/notifications", label: "Notifications" },
] as const;

/** The account's pages side by side: a column on wide screens, a row that scrolls on phones. */
export function AccountLayout() {
  return (
    <div className="page grid gap-8 py-8 sm:py-12 lg:grid-cols-[13rem_1fr] lg:gap-12">
      <nav aria-label="Account" className="-mx-4 overflow-x-auto px-4 lg:mx-0 lg:px-0">
        <ul className="flex gap-1 lg:sticky lg:top-24 lg:flex-col">
          {places.map(({ to, label }) => (
            <li key={to}>
              <Link
                to={to}
                activeOptions={{ exact: true }}
                className="block rounded-full px-4 py-2.5 font-medium whitespace-nowrap text-muted hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
              >
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="min-w-0">
        <Outlet />
      </div>
    </div>
  );
}
