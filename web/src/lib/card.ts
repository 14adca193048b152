import type { Card } from "@taproom/sdk/taproom/payment/v1/payment_pb";

/** `Visa ending in 4242`. */
export function cardName(card: Card): string {
  const brand = card.brand ? card.brand.charAt(0).toUpperCase() + card.brand.slice(1) : "Card";
  return `${brand} ending in ${card.last4}`;
}

/** What a shop without a card provider says in place of offering cards. */
export const noCards = "This shop takes no cards: your wallet pays.";

/** `12/2027`. */
export const cardEnd = (card: Card) => `${String(card.expMonth).padStart(2, "0")}/${card.expYear}`;

/** Groups a card number by four digits while it is typed. */
export const groupDigits = (text: string) =>
  text
    .replace(/\D/g, "")
    .slice(0, 19)
    .replace(/(.{4})(?=.)/g, "$1 ");

/** Reads `4/27`, `04/2027` or `0427`; zeros when it is no month and year. */
export function parseExpiry(text: string): { expMonth: number; expYear: number } {
  const match = /^\s*(\d{1,2})\s*\/?\s*(\d{2}|\d{4})\s*$/.exec(text);
  if (!match) return { expMonth: 0, expYear: 0 };
  const year = Number(match[2]);
  return { expMonth: Number(match[1]), expYear: year < 100 ? 2000 + year : year };
}
