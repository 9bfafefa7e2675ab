import { describe, expect, it } from "vitest";
import { gathered, only, terms, toggle, toParams, write } from "./query";

const read = (text: string) => terms(text).map(({ key, value }) => (key ? [key, value] : [value]));

describe("the language of the filter bar", () => {
  it("tells terms from words", () => {
    expect(read('model:gpt-4o latency:>2s "refund policy" hello')).toEqual([
      ["model", "gpt-4o"],
      ["latency", ">2s"],
      ["refund policy"],
      ["hello"],
    ]);
  });

  it("reads quoted values, also those that are not closed yet", () => {
    expect(read('user:"Ann \\"A\\" B"')).toEqual([["user", 'Ann "A" B']]);
    expect(read('user:"Ann ')).toEqual([["user", "Ann "]]);
    expect(read("model:")).toEqual([["model", ""]]);
  });

  it("takes addresses as words", () => {
    expect(read("https://example.test/x")).toEqual([["https://example.test/x"]]);
  });

  it("keeps where each term stands", () => {
    expect(terms("a  status:error")[1]).toEqual({ key: "status", value: "error", start: 3, end: 15 });
  });

  it("adds a term and takes it away again", () => {
    const added = toggle("hello", "department", "customer support");
    expect(added).toBe('hello department:"customer support"');
    expect(toggle(added, "department", "customer support")).toBe("hello");
    expect(only("model:a model:b x", "model", "c")).toBe("x model:c");
  });

  it("has a minus before what is left out", () => {
    const left = terms('-model:a -"two words" - x-y -5').map(({ key, value, not }) => [key, value, not]);
    expect(left).toEqual([["model", "a", true], [undefined, "two words", true], [undefined, "-", undefined], [undefined, "x-y", undefined], [undefined, "5", true]]);
    expect(toggle("model:a x", "model", "a", true)).toBe("x -model:a");
    expect(toggle("x -model:a", "model", "a", true)).toBe("x");
    expect(toggle("x -model:a", "model", "a")).toBe("x model:a");
  });

  it("writes what it reads", () => {
    for (const value of ["a", "a b", 'a"b', "", "a\\b c", "-5"]) expect(terms(write("user", value))[0]?.value).toBe(value);
  });
});

describe("the parameters of the API", () => {
  it("come from the terms", () => {
    const { params, problems } = toParams("model:a model:b latency:>2s latency:<1m cost:>0.5 attr.tier:gold trace:00ff x y");
    expect(problems).toEqual([]);
    expect(gathered(params)).toEqual({
      model: ["a", "b"],
      min_latency_ms: "2000",
      max_latency_ms: "60000",
      min_cost_usd: "0.5",
      "attr.tier": "gold",
      trace_id: "00ff",
      text: ["x", "y"],
    });
  });

  it("leave out and bound scores", () => {
    const { params, problems } = toParams("-model:a -attr.tier:gold score.tone:<0.5 -score.tone:any -rude");
    expect(problems).toEqual([]);
    expect(gathered(params)).toEqual({ "not.model": "a", "not.attr.tier": "gold", "score.tone": "<0.5", "not.score.tone": "any", "not.text": "rude" });
  });

  it("say what cannot be understood", () => {
    const why = (text: string, dimensions = false) => toParams(text, dimensions).problems.map((p) => p.message);
    expect(why("modle:a")).toEqual(['there is no key "modle"']);
    expect(why("latency:fast")).toEqual(["write latency:>2s or latency:<300ms"]);
    expect(why("status:bad")[0]).toMatch(/^status is one of success/);
    expect(why("user:ann", true)[0]).toMatch(/^figures are filtered by model/);
    expect(why("model:")).toEqual(["model needs a value"]);
    expect(why("score.tone:high")).toEqual(["write score.tone:<0.5, score.tone:>=3, score.tone:1 or score.tone:any"]);
    expect(why("score.:1")).toEqual(['there is no key "score."']);
    expect(why("-latency:>2s")).toEqual(["write latency:<… instead of leaving out"]);
    expect(why("-model:a", true)[0]).toMatch(/^figures cannot leave/);
  });
});
