// Fetches a page's own files while the start is still being read, not after it: emits `dashboard/ahead.js`, which knows the
// files of every page by its address and asks the browser to load them ahead. A file, as the policy allows no inline script.
import { readFileSync } from "node:fs";
import type { Plugin, Rollup } from "vite";

const FOLDER = "dashboard";
const REGISTRY = new URL("../src/pages/registry.ts", import.meta.url);
const ENTRY = /path: "([^"]+)".*?import\("\.\/([^"]+)"\)/g;

// A page's address as a pattern: `/models/$model` is any one model.
const pattern = (path: string) => `^${path.replace(/\$\w+/g, "[^/]+")}/?$`;

export function ahead(): Plugin {
  return {
    name: "ahead",
    apply: "build",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file): file is Rollup.OutputChunk => file.type === "chunk");
      // A file and everything that it imports at once.
      const closure = (file: string, seen = new Set<string>()) => {
        if (seen.has(file)) return seen;
        seen.add(file);
        for (const other of chunks.find((chunk) => chunk.fileName === file)?.imports ?? []) closure(other, seen);
        return seen;
      };
      const start = new Set(chunks.filter((chunk) => chunk.isEntry).flatMap((chunk) => [...closure(chunk.fileName)]));
      const pages = [...readFileSync(REGISTRY, "utf8").matchAll(ENTRY)].map(([, path = "", module]) => {
        const chunk = chunks.find((chunk) => chunk.facadeModuleId?.includes(`/src/pages/${module}.`));
        if (!chunk) throw new Error(`src/pages/registry.ts: ${path} has no file of its own`);
        const files = [...closure(chunk.fileName)].filter((file) => !start.has(file));
        return [pattern(path), files.map((file) => file.replace(`${FOLDER}/`, ""))] as const;
      });
      if (!pages.length) throw new Error("src/pages/registry.ts: no page is written as `path: \"…\" … import(\"./…\")`");
      this.emitFile({ type: "asset", fileName: `${FOLDER}/ahead.js`, source: script(pages) });
    },
    transformIndexHtml: () => [{ tag: "script", attrs: { async: true, src: `./${FOLDER}/ahead.js` }, injectTo: "head" }],
  };
}

const script = (pages: readonly (readonly [string, string[]])[]) => `(() => {
  const base = document.currentScript.src;
  const path = location.hash.slice(1).split("?")[0] || "/";
  const files = ${JSON.stringify(pages)}.find(([page]) => new RegExp(page).test(path))?.[1] ?? [];
  for (const file of files) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = new URL(file, base).href;
    document.head.append(link);
  }
})();
`;
