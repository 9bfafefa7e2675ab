// What a browser loads, gzip: at the start, and for each page on top of that. Fails when a budget is exceeded.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const INITIAL = 300;
const ROUTE = 450;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));

const kB = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000;

// The chunk and everything that it imports at once.
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const other of manifest[name].imports ?? []) closure(other, seen);
  return seen;
}

const sum = (names) => [...names].reduce((all, name) => all + kB(manifest[name].file), 0);
const entry = Object.keys(manifest).find((name) => manifest[name].isEntry);
const initial = closure(entry);
const styles = new Set([...initial].flatMap((name) => manifest[name].css ?? []));
const rows = [["initial JavaScript", sum(initial), INITIAL]];
for (const name of Object.keys(manifest).filter((name) => manifest[name].isDynamicEntry)) {
  rows.push([name.replace(/^src\//, ""), sum(closure(name, new Set(initial))), ROUTE]);
}
let over = false;
for (const [name, size, budget] of rows) {
  over ||= size > budget;
  console.log(`${name.padEnd(44)}${size.toFixed(1).padStart(8)} kB of ${budget}${size > budget ? "  OVER" : ""}`);
}
console.log(`${"styles".padEnd(44)}${[...styles].reduce((all, file) => all + kB(file), 0).toFixed(1).padStart(8)} kB`);
process.exit(over ? 1 : 0);
