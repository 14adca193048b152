import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
} from "@tanstack/react-router";
import { NotFound } from "@/components/not-found";
import { CataloguePage } from "@/features/catalogue/catalogue-page";
import { readSearch } from "@/features/catalogue/search";
import { ErrorPage } from "./error-page";
import { Layout } from "./layout";

const root = createRootRoute({ component: Layout, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readSearch,
  component: CataloguePage,
});

const beer = createRoute({
  getParentRoute: () => root,
  path: "/beers/$slug",
  component: lazyRouteComponent(() => import("@/features/beer/beer-page"), "BeerPage"),
});

const cart = createRoute({
  getParentRoute: () => root,
  path: "/cart",
  component: lazyRouteComponent(() => import("@/features/cart/cart-page"), "CartPage"),
});

/** Where to go after signing in. Only to pages of the shop: `//host` would lead elsewhere. */
const readNext = ({ next }: Record<string, unknown>): { next?: string } => ({
  next: typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : undefined,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: readNext,
  component: lazyRouteComponent(() => import("@/features/sign-in/sign-in-page"), "SignInPage"),
});

const register = createRoute({
  getParentRoute: () => root,
  path: "/register",
  validateSearch: readNext,
  component: lazyRouteComponent(() => import("@/features/sign-in/register-page"), "RegisterPage"),
});

const customers = createRoute({
  getParentRoute: () => root,
  id: "customers",
  component: lazyRouteComponent(() => import("./customers-only"), "CustomersOnly"),
});

const checkout = createRoute({
  getParentRoute: () => customers,
  path: "/checkout",
  component: lazyRouteComponent(() => import("@/features/checkout/checkout-page"), "CheckoutPage"),
});

const orders = createRoute({
  getParentRoute: () => customers,
  path: "/orders",
  component: lazyRouteComponent(() => import("@/features/orders/orders-page"), "OrdersPage"),
});

const order = createRoute({
  getParentRoute: () => customers,
  path: "/orders/$orderId",
  component: lazyRouteComponent(() => import("@/features/orders/order-page"), "OrderPage"),
});

const account = createRoute({
  getParentRoute: () => customers,
  path: "/account",
  component: lazyRouteComponent(() => import("./account-layout"), "AccountLayout"),
});

const profile = createRoute({
  getParentRoute: () => account,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/profile/profile-page"), "ProfilePage"),
});

const addresses = createRoute({
  getParentRoute: () => account,
  path: "/addresses",
  component: lazyRouteComponent(() => import("@/features/addresses/addresses-page"), "AddressesPage"),
});

const wallet = createRoute({
  getParentRoute: () => account,
  path: "/wallet",
  component: lazyRouteComponent(() => import("@/features/wallet/wallet-page"), "WalletPage"),
});

const cards = createRoute({
  getParentRoute: () => account,
  path: "/cards",
  component: lazyRouteComponent(() => import("@/features/cards/cards-page"), "CardsPage"),
});

const notifications = createRoute({
  getParentRoute: () => account,
  path: "/notifications",
  component: lazyRouteComponent(
    () => import("@/features/notifications/notifications-page"),
    "NotificationsPage",
  ),
});

const routeTree = root.addChildren([
  home,
  beer,
  cart,
  signIn,
  register,
  customers.addChildren([
    checkout,
    orders,
    order,
    account.addChildren([profile, addresses, wallet, cards, notifications]),
  ]),
]);

/** Search parameters are plain words in the address; several values of one stand behind each other with commas. */
function stringifySearch(search: Record<string, unknown>): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(",") : value;
    if (text !== undefined && text !== null && text !== "") words.set(key, String(text));
  }
  const query = words.toString().replaceAll("%2C", ",");
  return query && `?${query}`;
}

/** `history` is the browser's unless a test brings its own. */
export function createShopRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    history,
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch,
    defaultPreload: "intent",
    defaultErrorComponent: ErrorPage,
    scrollRestoration: true,
  });
}

export type ShopRouter = ReturnType<typeof createShopRouter>;

declare module "@tanstack/react-router" {
  interface Register {
    router: ShopRouter;
  }
}
