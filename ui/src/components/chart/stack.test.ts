import { describe, expect, it } from "vitest";
import { aligned, bucketStarts, largest, shares, stacked } from "./stack";

describe("the numbers behind a chart", () => {
  it("have a place for every bucket, also those without calls", () => {
    const starts = bucketStarts(90_000, 240_000, 60_000);
    expect(starts).toEqual([60_000, 120_000, 180_000]);
    expect(aligned(starts, { name: "a", points: [[120_000, 5]] }, 0)).toEqual([0, 5, 0]);
    expect(aligned(starts, { name: "a", points: [[120_000, 5]] }, null)).toEqual([null, 5, null]);
  });

  it("stack and become shares", () => {
    expect(stacked([[1, 2], [3, null]])).toEqual([[1, 2], [4, 2]]);
    expect(shares([[1, 0], [3, 0]])).toEqual([[0.25, null], [0.75, null]]);
  });

  it("fold what is small", () => {
    const line = (name: string, value: number) => ({ name, points: [[0, value]] as const });
    const kept = largest([line("a", 1), line("b", 9), line("c", 5), line("d", 2)], 3);
    expect(kept.map((l) => [l.name, l.points[0]?.[1]])).toEqual([["b", 9], ["c", 5], ["others", 3]]);
  });
});
