import { Format } from "@taproom/sdk/taproom/catalog/v1/catalog_pb";

const formats: Record<Format, string> = {
  [Format.UNSPECIFIED]: "",
  [Format.BOTTLE]: "Bottle",
  [Format.CAN]: "Can",
  [Format.KEG]: "Keg",
};

export const formatName = (format: Format) => formats[format] ?? "";

/** `330 ml`, or litres from one litre on: `30 l`. */
export function formatVolume(ml: number): string {
  if (ml < 1000) return `${ml} ml`;
  return `${new Intl.NumberFormat("en-IE", { maximumFractionDigits: 2 }).format(ml / 1000)} l`;
}
