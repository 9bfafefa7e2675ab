// A file as what it is: text, a table, JSON, a picture, or a page. A page runs in a sandbox without scripts and without this
// address; nothing of a file becomes markup of the dashboard.

import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { request } from "@/api/client";
import { Button } from "@/components/button";
import { Prose } from "@/components/chat/prose";
import { Code } from "@/components/code";
import { JsonTree } from "@/components/json";
import { Segments } from "@/components/choice";
import { Answered, Empty } from "@/components/state";
import { bytes } from "@/format/number";
import { fileAddress } from "../mlflow";
import { readCsv } from "./read-csv";
import { tableOf } from "./read-table";

const MOST = 5_000_000;
const MOST_ROWS = 500;
const IMAGES: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", svg: "image/svg+xml" };
const kindOf = (path: string) => path.split(".").at(-1)?.toLowerCase() ?? "";

export function Preview({ run, path }: { run: string; path: string }) {
  const kind = kindOf(path);
  const found = useQuery({
    queryKey: ["mlflow", "file", run, path],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const answer = await request(fileAddress(run, path), { signal });
      const size = Number(answer.headers.get("content-length") ?? 0);
      return { size, blob: size > MOST ? undefined : await answer.blob() };
    },
  });
  const save = async () => {
    const blob = found.data?.blob ?? (await (await request(fileAddress(run, path))).blob());
    const url = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = url;
    link.download = path.split("/").at(-1) ?? "file";
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  };
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-3">
        <h3 className="min-w-0 truncate font-mono text-xs">{path}</h3>
        <span className="num text-xs text-muted">{found.data ? bytes(found.data.blob?.size ?? found.data.size) : ""}</span>
        <Button size="sm" className="ml-auto" onClick={() => void save()}>
          <Download aria-hidden /> Save
        </Button>
      </div>
      <Answered of={found}>
        {({ blob, size }) => {
          if (!blob) return <Empty title={`${bytes(size)} are too much for a preview`} />;
          if (IMAGES[kind]) return <Picture blob={blob} type={IMAGES[kind]} name={path} />;
          return <OfText blob={blob} kind={kind} name={path} />;
        }}
      </Answered>
    </div>
  );
}

function useUrlOf(blob: Blob, type: string): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([blob], { type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob, type]);
  return url;
}

function Picture({ blob, type, name }: { blob: Blob; type: string; name: string }) {
  const url = useUrlOf(blob, type);
  return url ? <img src={url} alt={name} className="max-h-[70vh] max-w-full self-start rounded-md border border-line bg-white" /> : null;
}

function OfText({ blob, kind, name }: { blob: Blob; kind: string; name: string }) {
  const text = useQuery({ queryKey: ["text", name, blob.size], queryFn: () => blob.text() });
  const [raw, setRaw] = useState(false);
  return (
    <Answered of={text}>
      {(content) => {
        const { what, shown } = rendered(content, kind, name) ?? {};
        if (!shown) return <Code text={content} label={name} />;
        return (
          <>
            <div>
            <Segments label="Show as" value={raw ? "text" : "shown"} options={[["shown", what ?? "Shown"], ["text", "Text"]]} onChange={(value) => setRaw(value === "text")} />
            </div>
            {raw ? <Code text={content} label={name} /> : shown}
          </>
        );
      }}
    </Answered>
  );
}

function rendered(text: string, kind: string, name: string): { what: string; shown: ReactNode } | undefined {
  if (kind === "html" || kind === "htm") return { what: "Page", shown: <iframe title={name} sandbox="" srcDoc={text} className="h-[70vh] w-full rounded-md border border-line bg-white" /> };
  if (kind === "json") {
    try {
      const value: unknown = JSON.parse(text);
      const table = tableOf(value, MOST_ROWS);
      return table ? { what: "Table", shown: <Rows rows={table} /> } : { what: "Tree", shown: <JsonTree value={value} label={name} /> };
    } catch {
      return undefined;
    }
  }
  if (kind === "csv" || kind === "tsv") return { what: "Table", shown: <Rows rows={readCsv(text, kind === "tsv" ? "\t" : ",", MOST_ROWS)} /> };
  if (kind === "md") return { what: "Markdown", shown: <Prose text={text} /> };
  return undefined;
}

function Rows({ rows }: { rows: string[][] }) {
  const [head, ...body] = rows;
  return (
    <div className="max-h-[70vh] overflow-auto rounded-md border border-line" tabIndex={0} role="region" aria-label="Rows of the file">
      <table className="min-w-full text-left text-xs whitespace-nowrap">
        <thead className="sticky top-0 bg-sunken">
          <tr>
            {head?.map((name, n) => (
              <th key={`${n}${name}`} className="h-8 px-3 font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, n) => (
            <tr key={n} className="border-t border-line/60">
              {row.map((value, m) => (
                <td key={m} className="num px-3 py-1">
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
