import type { Money } from "@taproom/sdk/taproom/type/v1/money_pb";

const locale = "en-IE";

/** Writes an amount as people read it, exactly: `{minorUnits: 1250n, currency: "EUR"}` is `€12.50`. */
export function formatMoney(money: Money | undefined): string {
  if (!money) return "–";
  const format = new Intl.NumberFormat(locale, { style: "currency", currency: money.currency || "EUR" });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(decimal(money.minorUnits, digits));
}

/** The price of a litre, rounded to the minor unit; undefined when the volume is unknown. */
export function pricePerLitre(
  price: Money | undefined,
  volumeMl: number,
): { minorUnits: bigint; currency: string } | undefined {
  if (!price || volumeMl <= 0) return undefined;
  const volume = BigInt(volumeMl);
  return { minorUnits: (price.minorUnits * 1000n + volume / 2n) / volume, currency: price.currency };
}

/** Reads what a person typed as euros, such as `25`, `25.5` or `25,50`; undefined when it is no amount. */
export function parseEuros(text: string): bigint | undefined {
  const match = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(text.trim().replace(/^€\s*/, ""));
  if (!match) return undefined;
  return BigInt(match[1] ?? "0") * 100n + BigInt((match[2] ?? "").padEnd(2, "0"));
}

/** A decimal string, since amounts may be larger than a float can tell apart. */
function decimal(minorUnits: bigint, digits: number): Intl.StringNumericLiteral {
  const sign = minorUnits < 0n ? "-" : "";
  const text = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = digits > 0 ? `.${text.slice(text.length - digits)}` : "";
  return `${sign}${whole}${fraction}` as Intl.StringNumericLiteral;
}
