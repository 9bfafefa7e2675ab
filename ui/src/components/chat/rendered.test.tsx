import { cleanup, render } from "@testing-library/react";
import { Tooltip } from "radix-ui";
import { afterEach, describe, expect, it } from "vitest";
import Rendered from "./rendered";

afterEach(cleanup);
// The button that copies code has a hint.
const shown = (text: string) => render(<Rendered text={text} />, { wrapper: Tooltip.Provider }).container;

describe("Markdown of what was recorded", () => {
  it("has lists, tables and code", () => {
    const found = shown("# Steps\n\n1. one\n2. two\n\n|a|b|\n|-|-|\n|1|2|\n\n```\nx = 1\n```");
    expect(found.querySelectorAll("li")).toHaveLength(2);
    expect(found.querySelector("td")?.textContent).toBe("1");
    expect(found.querySelector("pre")?.textContent).toBe("x = 1");
  });

  it("leaves markup as text and loads nothing", () => {
    const found = shown('<img src=x onerror=alert(1)> **a** ![cat](https://example.test/cat.png) <script>alert(2)</script>');
    expect(found.querySelectorAll("img, script")).toHaveLength(0);
    expect(found.textContent).toContain("<script>alert(2)</script>");
    expect(found.textContent).toContain("cat: image at https://example.test/cat.png");
  });

  it("follows no address that runs", () => {
    const links = [...shown("[a](javascript:alert(1)) [b](data:text/html,x) [c](https://example.test/)").querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["", "", "https://example.test/"]);
  });
});
