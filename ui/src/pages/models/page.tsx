// Registered models.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Badge } from "@/components/badge";
import { NextStep, whileEmpty } from "@/components/next-step";
import { PageHead } from "@/components/page-head";
import { Answered } from "@/components/state";
import { type Column, Table } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { type Model, models } from "@/pages/experiments/mlflow";

const COLUMNS: readonly Column<Model>[] = [
  { id: "name", head: "Name", width: "minmax(13rem, 1fr)", cell: (m) => <span className="font-medium">{m.name}</span> },
  { id: "about", head: "About", width: "minmax(13rem, 1.4fr)", cell: (m) => <span className="text-muted">{m.description}</span> },
  {
    id: "aliases",
    head: "Aliases",
    width: "minmax(13rem, 1fr)",
    cell: (m) => (
      <span className="flex gap-1">
        {Object.entries(m.aliases).map(([alias, version]) => (
          <Badge key={alias} tone="accent">
            @{alias} → v{version}
          </Badge>
        ))}
      </span>
    ),
  },
  { id: "updated", head: "Changed", width: "11rem", cell: (m) => <Time at={m.updated} /> },
];

const narrowRow = (m: Model) => (
  <TwoLines title={m.name} right={Object.entries(m.aliases).map(([alias, version]) => `@${alias} → v${version}`).join(", ") || <Time at={m.updated} />}>
    <span>{m.description}</span>
  </TwoLines>
);

export default function Models() {
  const navigate = useNavigate();
  const found = useQuery({ queryKey: ["mlflow", "models"], refetchInterval: whileEmpty<readonly Model[]>((list) => !list.length), queryFn: ({ signal }) => models(signal) });
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title="Models" />
      <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        <Answered of={found}>
          {(rows) =>
            rows.length ? (
              <Table label="Models" narrow={narrowRow} columns={COLUMNS} rows={rows} rowKey={(m) => m.name} onOpen={(m) => void navigate({ to: "/models/$model", params: { model: m.name } })} />
            ) : (
              <NextStep title="No model is registered" step="model" how="A first version of a model, with the unmodified MLflow client">
                Versions of a model come from runs; stages and aliases say which of them is in use.
              </NextStep>
            )
          }
        </Answered>
      </div>
    </div>
  );
}
