import { expect, it } from "vitest";
import { tableOf } from "./read-table";

it("reads the tables of MLflow's client, and nothing else", () => {
  const table = { columns: ["question", "score"], data: [["why", 0.5], [null, { a: 1 }], ["x", 2]] };
  expect(tableOf(table, 2)).toEqual([["question", "score"], ["why", "0.5"], ["", '{"a":1}']]);
  for (const other of [null, [], { columns: [] }, { columns: ["a"], data: [{ a: 1 }] }]) expect(tableOf(other, 2)).toBeUndefined();
});
