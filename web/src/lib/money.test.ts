import type { Money } from "@taproom/sdk/taproom/type/v1/money_pb";
import { describe, expect, it } from "vitest";
import { formatMoney, parseEuros, pricePerLitre } from "./money";

const money = (minorUnits: bigint, currency = "EUR") => ({ minorUnits, currency }) as Money;

describe("formatMoney", () => {
  it("writes minor units with the currency's digits", () => {
    expect(formatMoney(money(1250n))).toBe("€12.50");
    expect(formatMoney(money(5n))).toBe("€0.05");
    expect(formatMoney(money(-1157n))).toBe("-€11.57");
    expect(formatMoney(money(1250n, "JPY"))).toContain("1,250");
  });

  it("is exact beyond what a float can tell apart", () => {
    expect(formatMoney(money(9_007_199_254_740_993n))).toBe("€90,071,992,547,409.93");
  });

  it("shows a dash for what is not known", () => {
    expect(formatMoney(undefined)).toBe("–");
  });
});

describe("pricePerLitre", () => {
  it("rounds to the cent", () => {
    expect(pricePerLitre(money(249n), 330)?.minorUnits).toBe(755n);
    expect(pricePerLitre(money(209n), 500)?.minorUnits).toBe(418n);
  });

  it("knows nothing without a volume", () => {
    expect(pricePerLitre(money(249n), 0)).toBeUndefined();
  });
});

describe("parseEuros", () => {
  it.each([
    ["25", 2500n],
    ["25.5", 2550n],
    ["25,50", 2550n],
    [" €7 ", 700n],
    ["0.05", 5n],
  ])("reads %s", (text, cents) => expect(parseEuros(text)).toBe(cents));

  it.each(["", "abc", "1.234", "-5", "1e3", "12345678"])("refuses %j", (text) =>
    expect(parseEuros(text)).toBeUndefined(),
  );
});
