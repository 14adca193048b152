import { expect, it } from "vitest";
import { srmColor, srmName } from "./srm";

it("runs from straw to black, also beyond both ends", () => {
  expect(srmColor(0)).toBe("rgb(255 230 153)");
  expect(srmColor(2)).toBe("rgb(255 216 122)");
  expect(srmColor(100)).toBe("rgb(20 4 4)");
  expect(srmName(2)).toBe("straw");
  expect(srmName(40)).toBe("black");
});
