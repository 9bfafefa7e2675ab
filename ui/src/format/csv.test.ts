import { describe, expect, it } from "vitest";
import { csv } from "./csv";

describe("CSV", () => {
  it("quotes what needs it and leaves out what is not known", () => {
    expect(csv([["a", 1.5, null], ['say "x", y', "line\nbreak", undefined]])).toBe('a,1.5,\r\n"say ""x"", y","line\nbreak",\r\n');
  });

  it("lets no cell become a formula", () => {
    expect(csv([["=1+1", "@x", -2]])).toBe("'=1+1,'@x,-2\r\n");
  });
});
