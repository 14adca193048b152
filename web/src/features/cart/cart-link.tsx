import { Link } from "@tanstack/react-router";
import { ShoppingBasket } from "lucide-react";
import { useCartCount } from "@/lib/api/cart";

/** The way to the cart, with how many units are in it. */
export function CartLink() {
  const count = useCartCount();
  return (
    <Link
      to="/cart"
      aria-label={count === 0 ? "Cart, empty" : `Cart, ${count} ${count === 1 ? "item" : "items"}`}
      className="relative inline-flex size-11 items-center justify-center rounded-full hover:bg-sunken"
    >
      <ShoppingBasket aria-hidden className="size-5.5" />
      {count > 0 && (
        <span
          aria-hidden
          className="figures absolute -top-0.5 -right-0.5 flex h-5 min-w-5 items-center justify-center rounded-full bg-copper px-1 text-xs font-bold text-on-copper"
        >
          {count > 99 ? "99+" : count}
        </span>
      )}
    </Link>
  );
}
