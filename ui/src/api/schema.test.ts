// @vitest-environment node
import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

it("the client's types are those of docs/openapi.json; else run `npm run api` and read the difference", async () => {
  const types = await openapiTS(new URL("../../../docs/openapi.json", import.meta.url));
  const held = readFileSync(new URL("./schema.d.ts", import.meta.url), "utf8");
  expect(held.endsWith(astToString(types))).toBe(true);
}, 30_000);
