import { describe, expect, it } from "vitest";
import { isNumeric, keysOf, metric, smooth } from "./numbers";

describe("metrics of runs", () => {
  it("keep five digits", () => {
    expect([0, 0.123456, 1234.567, 0.0000123, 3e12, Number.NaN].map(metric)).toEqual(["0", "0.12346", "1,234.6", "1.230e-5", "3.000e+12", "NaN"]);
    expect(metric(undefined)).toBe("–");
  });

  it("are smooth without being drawn to nothing at first", () => {
    const level = smooth([[0, 4], [1, 4], [2, 4]], 0.9);
    for (const [, y] of level) expect(y).toBeCloseTo(4);
    const step = smooth([[0, 0], [1, 0], [2, 10]], 0.5).map(([, y]) => y);
    expect(step[2]).toBeGreaterThan(4);
    expect(step[2]).toBeLessThan(7);
    expect(smooth([[0, 1], [1, 9]], 0)).toEqual([[0, 1], [1, 9]]);
  });

  it("are named with the most frequent first", () => {
    expect(keysOf([{ a: 1, b: 2 }, { b: 3 }])).toEqual(["b", "a"]);
  });

  it("are axes only where all of them are numbers", () => {
    expect(isNumeric(["1e-3", "16", undefined])).toBe(true);
    expect(isNumeric(["adam", "16"])).toBe(false);
    expect(isNumeric([undefined])).toBe(false);
  });
});
