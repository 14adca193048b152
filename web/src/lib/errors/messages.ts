import { Code, ConnectError } from "@connectrpc/connect";
import { reasonOf } from "./details";

const byReason: Record<string, string> = {
  // Accounts
  EMAIL_TAKEN: "An account with this e-mail address already exists. Sign in instead?",
  CREDENTIALS_INVALID: "That e-mail address and password don't go together.",
  TOO_MANY_ATTEMPTS: "Too many attempts. Please wait a few minutes and try again.",
  REFRESH_TOKEN_INVALID: "Your session has ended. Please sign in again.",
  REFRESH_TOKEN_REUSED: "Your session was ended to keep your account safe. Please sign in again.",
  ORDERS_OPEN: "You still have orders under way. The account can be deleted once they have arrived.",
  WALLET_NOT_EMPTY: "Your wallet still holds money. Spend it before you delete the account.",
  ACCOUNT_CLOSING: "This account is being deleted. If it stays, try again in a few minutes.",
  TOO_MANY_ADDRESSES: "You have saved as many addresses as we can keep. Delete one first.",
  ADDRESS_NOT_FOUND: "This address no longer exists. Please choose another one.",
  // Catalogue and cart
  BEER_NOT_FOUND: "We don't know this beer.",
  BEER_ARCHIVED: "This beer is no longer sold. Please remove it from your cart.",
  CART_FULL: "Your cart holds as many different beers as it can.",
  QUANTITY_TOO_LARGE: "That is more of one beer than we can ship in one order.",
  ITEM_NOT_FOUND: "This beer is no longer in your cart.",
  CART_VERSION_NOT_REACHED: "Your cart is still being updated. Please try again.",
  GUEST_TOKEN_INVALID: "We couldn't bring along the cart you filled before signing in.",
  // Orders
  CART_EMPTY: "Your cart is empty.",
  SHIPPING_METHOD_NOT_FOUND: "This way of shipping is no longer offered. Please choose another one.",
  COUNTRY_NOT_SERVED: "We don't ship to this country yet.",
  QUOTE_CHANGED: "Something changed since you looked. Please check the new total.",
  ORDER_IN_PROGRESS: "Your last order from this cart is still being placed.",
  REQUEST_ID_REUSED: "This was already sent with other details. Please check your orders and try again.",
  ORDER_NOT_FOUND: "We can't find this order.",
  ORDER_NOT_CANCELLABLE: "This order can't be cancelled any more.",
  SHIPMENT_NOT_FOUND: "There is no parcel for this order yet.",
  // Money
  CARD_NOT_FOUND: "This card no longer exists. Please choose another one.",
  CARD_INVALID: "This card was not accepted. Please check the number, the date and the code.",
  CARD_DECLINED: "Your bank declined this card. Please try another one.",
  CARDS_UNAVAILABLE: "This shop takes no cards.",
  TOO_MANY_CARDS: "You have saved as many cards as we can keep. Delete one first.",
  WALLET_LIMIT: "That would be more than a wallet may hold.",
  INSUFFICIENT_FUNDS: "There is not enough money in your wallet.",
  PROVIDER_UNAVAILABLE: "The card company can't be reached right now. Please try again in a moment.",
};

const byCode: Partial<Record<Code, string>> = {
  [Code.Unavailable]: "The shop can't be reached right now. Please try again in a moment.",
  [Code.DeadlineExceeded]: "The shop took too long to answer. Please try again.",
  [Code.Canceled]: "This was interrupted. Please try again.",
  [Code.Unauthenticated]: "Please sign in to go on.",
  [Code.PermissionDenied]: "You may not do this.",
  [Code.NotFound]: "We can't find what you are looking for.",
  [Code.ResourceExhausted]: "That was a bit fast. Please wait a moment and try again.",
  [Code.InvalidArgument]: "Please check what you entered.",
  [Code.Aborted]: "Somebody changed this at the same time. Please try again.",
};

/**
 * What to tell a person about an error: by its machine-readable reason, else by its code, never by the message, which is
 * written for developers. `own` words some reasons for the place where they come up.
 */
export function explain(error: unknown, own: Record<string, string> = {}): string {
  const reason = reasonOf(error);
  const code = error instanceof ConnectError ? error.code : undefined;
  return (
    own[reason] ??
    byReason[reason] ??
    (code === undefined ? undefined : byCode[code]) ??
    "Something went wrong on our side. Please try again."
  );
}
