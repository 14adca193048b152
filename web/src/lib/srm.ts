// Lightness runs from straw to black; the steps between are what a glass in daylight looks like.
const scale: readonly (readonly [srm: number, r: number, g: number, b: number])[] = [
  [1, 255, 230, 153],
  [3, 255, 202, 90],
  [5, 251, 177, 35],
  [8, 236, 151, 0],
  [12, 203, 98, 0],
  [16, 172, 68, 0],
  [20, 142, 41, 0],
  [25, 108, 15, 2],
  [30, 84, 8, 6],
  [40, 43, 6, 8],
  [60, 20, 4, 4],
];

/** The colour of a beer as CSS, by its SRM value. */
export function srmColor(srm: number): string {
  const last = scale.length - 1;
  const upper = scale.findIndex(([at]) => at >= srm);
  const [a, b] =
    upper === 0
      ? [scale[0], scale[0]]
      : upper < 0
        ? [scale[last], scale[last]]
        : [scale[upper - 1], scale[upper]];
  if (!a || !b) return "rgb(255 230 153)";
  const share = b[0] === a[0] ? 0 : (srm - a[0]) / (b[0] - a[0]);
  const mix = (x: number, y: number) => Math.round(x + (y - x) * share);
  return `rgb(${mix(a[1], b[1])} ${mix(a[2], b[2])} ${mix(a[3], b[3])})`;
}

/** The colour in a word, for those who don't see the swatch. */
export function srmName(srm: number): string {
  if (srm < 4) return "straw";
  if (srm < 7) return "gold";
  if (srm < 11) return "deep gold";
  if (srm < 16) return "amber";
  if (srm < 20) return "copper";
  if (srm < 27) return "brown";
  if (srm < 36) return "dark brown";
  return "black";
}
