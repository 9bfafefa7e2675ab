import { describe, expect, it } from "vitest";
import { readCsv } from "./read-csv";

describe("a table from CSV", () => {
  it("has quotes, separators and line ends within cells", () => {
    expect(readCsv('a,b\r\n"say ""x"", y","line\nbreak"\r\n,\n', ",", 10)).toEqual([["a", "b"], ['say "x", y', "line\nbreak"], ["", ""]]);
  });

  it("ends at its bound and without a last line end", () => {
    expect(readCsv("a\nb\nc", ",", 2)).toEqual([["a"], ["b"]]);
    expect(readCsv("a\tb", "\t", 2)).toEqual([["a", "b"]]);
    expect(readCsv("", ",", 2)).toEqual([]);
  });
});
