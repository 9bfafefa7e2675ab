import { describe, expect, it } from "vitest";
import { columns, layout } from "./layout";

const nodes = ["a", "b", "c", "d"].map((name, n) => ({ name, visits: 10 - n }));
const edge = (from: string, to: string) => ({ from, to, count: 1 });

describe("the place of a node", () => {
  it("is after all that lead to it", () => {
    const at = columns(nodes, [edge("a", "b"), edge("a", "c"), edge("b", "c"), edge("c", "d")]);
    expect(Object.fromEntries(at)).toEqual({ a: 0, b: 1, c: 2, d: 3 });
  });

  it("is found where ways lead back, and where all of them do", () => {
    expect(Object.fromEntries(columns(nodes, [edge("a", "b"), edge("b", "a"), edge("b", "c"), edge("d", "d")]))).toEqual({ d: 0, a: 0, b: 1, c: 2 });
  });

  it("is another one for each", () => {
    const { placed, width, height } = layout(nodes, [edge("a", "b"), edge("a", "c"), edge("a", "d")]);
    expect(new Set(placed.map((p) => `${p.x} ${p.y}`)).size).toBe(4);
    for (const { x, y } of placed) expect(x >= 0 && x < width && y >= 0 && y < height).toBe(true);
  });
});
