// Every prompt with its versions and labels.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Badge } from "@/components/badge";
import { NextStep, whileEmpty } from "@/components/next-step";
import { PageHead } from "@/components/page-head";
import { Answered } from "@/components/state";
import { type Column, Table } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { type Prompt, prompts } from "./api";

const COLUMNS: readonly Column<Prompt>[] = [
  { id: "name", head: "Name", width: "minmax(12rem, 1fr)", cell: (p) => <span className="font-medium">{p.name}</span> },
  { id: "about", head: "About", width: "minmax(14rem, 1.5fr)", cell: (p) => <span className="text-muted">{p.description}</span> },
  { id: "versions", head: "Versions", width: "6rem", number: true, cell: (p) => p.versions.length },
  {
    id: "labels",
    head: "Labels",
    width: "minmax(14rem, 1fr)",
    cell: (p) => (
      <span className="flex gap-1">
        {Object.entries(p.labels).map(([label, version]) => (
          <Badge key={label} tone={label === "production" ? "ok" : "plain"}>
            {label} → {version}
          </Badge>
        ))}
      </span>
    ),
  },
  { id: "newest", head: "Newest", width: "11rem", cell: (p) => <Time at={p.versions.at(-1)?.created} /> },
];

const narrowRow = (p: Prompt) => (
  <TwoLines title={p.name} right={Object.entries(p.labels).map(([label, version]) => `${label} → ${version}`).join(", ") || `${p.versions.length} versions`}>
    <span>{p.description}</span>
  </TwoLines>
);

export default function Prompts() {
  const navigate = useNavigate();
  const found = useQuery({ queryKey: ["prompts"], refetchInterval: whileEmpty<readonly Prompt[]>((list) => !list.length), queryFn: ({ signal }) => prompts(signal) });
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title="Prompts" />
      <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        <Answered of={found}>
          {(rows) =>
            rows.length ? (
              <Table label="Prompts" narrow={narrowRow} columns={COLUMNS} rows={rows} rowKey={(p) => p.name} onOpen={(p) => void navigate({ to: "/prompts/$prompt", params: { prompt: p.name } })} />
            ) : (
              <NextStep title="No prompt yet" step="prompt" how="A first version, over the API; or a file in the folder that prompts.dir names">
                A prompt has versions, and labels say which of them calls get.
              </NextStep>
            )
          }
        </Answered>
      </div>
    </div>
  );
}
