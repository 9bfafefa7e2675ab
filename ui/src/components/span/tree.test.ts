import { describe, expect, it } from "vitest";
import { type Step, rowsOf, visible } from "./tree";

const step = (id: string, parent: string | undefined, more: Partial<Step> = {}) => ({ trace_id: "t", span_id: id, parent_id: parent, depth: 0, ...more }) as Step;
const call = (cost: number, total: number) => ({ cost_usd: cost, cache_hit: false, tokens: { total } }) as Step["call"];
const shape = (steps: Step[]) => rowsOf(steps).map((row) => `${"-".repeat(row.depth)}${row.step.span_id}`);

describe("the tree of a trace", () => {
  it("has each step before its parts, whatever order they come in", () => {
    expect(shape([step("c", "a"), step("a", undefined), step("d", "c"), step("b", "a")])).toEqual(["a", "-c", "--d", "-b"]);
  });

  it("keeps what has no parent, and cuts circles open", () => {
    expect(shape([step("x", "gone"), step("y", "z"), step("z", "y")])).toEqual(["x", "y", "-z"]);
    expect(shape([step("self", "self")])).toEqual(["self"]);
  });

  it("sums up what lies below; a call within a call counts once", () => {
    const rows = rowsOf([
      step("a", undefined),
      step("outer", "a", { call: call(2, 20) }),
      step("inner", "outer", { call: call(2, 20) }),
      step("other", "a", { call: call(1, 5), status: "error" }),
    ]);
    expect(rows[0]).toMatchObject({ below: 3, children: 2, cost: 3, tokens: 25, failed: 1 });
  });

  it("hides what is below a closed step", () => {
    const rows = rowsOf([step("a", undefined), step("b", "a"), step("c", "b"), step("d", "a")]);
    expect(visible(rows, new Set(["b"])).map((row) => row.step.span_id)).toEqual(["a", "b", "d"]);
  });

  it("is deep without an overflow", () => {
    const steps = Array.from({ length: 10_000 }, (_, n) => step(String(n), n ? String(n - 1) : undefined));
    expect(rowsOf(steps).at(-1)?.depth).toBe(9_999);
  });
});
