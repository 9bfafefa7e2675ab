import { expect, it } from "vitest";
import { split } from "./stream";

it("events are whole, comments are none, what is not finished stays", () => {
  const { events, rest } = split(': live\n\nevent: call\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\nevent: ca');
  expect(events).toEqual([{ name: "call", data: '{"a":1}' }, { name: "message", data: "x\ny" }]);
  expect(rest).toBe("event: ca");
});
