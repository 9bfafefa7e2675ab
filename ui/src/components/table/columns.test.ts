import { describe, expect, it } from "vitest";
import { read, written } from "./columns";

const usual = { visible: { time: true, status: true, key: false }, order: ["time", "status", "key"] };

describe("columns in an address", () => {
  it("are those that are shown, in their order", () => {
    expect(written(usual)).toBe("time,status");
    expect(written({ visible: { time: true, status: false, key: true }, order: ["key", "status", "time"] })).toBe("key,time");
  });
  it("are read back, and what is unknown is left out", () => {
    const { visible, order } = read("key,gone,time", usual);
    expect([visible, order]).toEqual([{ time: true, status: false, key: true }, ["key", "time", "status"]]);
  });
});
