import { describe, expect, it } from "vitest";
import { bytes, change, count, dollars, millis, percent } from "./number";

describe("numbers", () => {
  it("are short and keep three digits", () => {
    expect([0, 7, 1234, 9999, 12_345, 999_960, 1_500_000, 120_000].map(count)).toEqual(["0", "7", "1,234", "9,999", "12.3k", "1M", "1.5M", "120k"]);
  });

  it("of money are never rounded to nothing", () => {
    expect([0, 0.0000042, 0.0000543, 0.00125, 0.25, 12.5, 1234.5, 123_456].map(dollars)).toEqual(["$0", "$0.0000042", "$0.000054", "$0.00125", "$0.25", "$12.50", "$1,234.50", "$123k"]);
  });

  it("of time carry their unit", () => {
    expect([0, 0.25, 4.2, 230, 999.7, 1234, 59_990, 61_000, 7_260_000].map(millis)).toEqual([
      "0 ms", "0.25 ms", "4.2 ms", "230 ms", "1 s", "1.23 s", "60 s", "1 min 1 s", "2 h 1 min",
    ]);
  });

  it("of shares and bytes", () => {
    expect([0, 0.0001, 0.0123, 0.5, 1].map(percent)).toEqual(["0 %", "<0.1 %", "1.2 %", "50 %", "100 %"]);
    expect([12, 1500, 2_000_000].map(bytes)).toEqual(["12 bytes", "1.5 kB", "2 MB"]);
  });

  it("that are not known are not 0", () => {
    for (const format of [count, dollars, millis, percent, bytes]) expect(format(null)).toBe("–");
    expect(change(3, 0)).toBeUndefined();
    expect(change(3, 2)).toBe(0.5);
  });
});
