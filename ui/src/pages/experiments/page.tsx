// Experiments: what MLflow's clients write, and the projects of traces and calls.

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { NextStep, whileEmpty } from "@/components/next-step";
import { PageHead } from "@/components/page-head";
import { SearchField } from "@/components/search-field";
import { Answered, Empty } from "@/components/state";
import { type Column, Table } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { useParam } from "@/state/url";
import { type Experiment, experiments, runs } from "./mlflow";

const COLUMNS: readonly Column<Experiment>[] = [
  { id: "name", head: "Name", width: "minmax(14rem, 1fr)", cell: (e) => <span className="font-medium">{e.name}</span> },
  { id: "note", head: "About", width: "minmax(14rem, 1.4fr)", cell: (e) => <span className="text-muted">{e.note}</span> },
  { id: "id", head: "Id", width: "8rem", cell: (e) => <span className="font-mono text-xs text-muted">{e.id}</span> },
  { id: "created", head: "Made", width: "11rem", cell: (e) => <Time at={e.created} /> },
];

const narrowRow = (e: Experiment) => (
  <TwoLines title={e.name} right={<Time at={e.created} />}>
    <span>{e.note || `id ${e.id}`}</span>
  </TwoLines>
);

const FEW = 4;

// MLflow's own syntax where it is one; else a part of the name.
const filterOf = (text: string) => (/[=<>]|like/i.test(text) ? text : text ? `name ILIKE '%${text.replaceAll("'", "''")}%'` : "");

export default function Experiments() {
  const [q, setQ] = useParam("q");
  const navigate = useNavigate();
  // Some experiments are there from the first; what is missing is a run.
  const first = useQuery({
    queryKey: ["mlflow", "any-run"],
    refetchInterval: whileEmpty<boolean>((there) => !there),
    queryFn: async ({ signal }) => {
      const few = (await experiments("", undefined, signal)).experiments;
      return few.length > FEW || (await runs(few.map((e) => e.id), { most: 1 }, signal)).runs.length > 0;
    },
  });
  const none = first.data === false && q === "";
  const found = useInfiniteQuery({
    queryKey: ["mlflow", "experiments", q, none],
    placeholderData: keepPreviousData,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => experiments(filterOf(q), pageParam, signal),
    getNextPageParam: (page) => page.next,
  });
  const open = (e: Experiment) => void navigate({ to: "/experiments/$experiment", params: { experiment: e.id } });
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title="Experiments">
        <SearchField label="Find an experiment" placeholder="Part of a name, or tags.team = 'x'" value={q} onChange={setQ} className="w-80" />
      </PageHead>
      <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        <Answered of={found}>
          {(data) => {
            const rows = data.pages.flatMap((page) => page.experiments);
            return rows.length ? (
              <>
                <Table className={none ? "flex-none" : undefined} label="Experiments" narrow={narrowRow} columns={COLUMNS} rows={rows} rowKey={(e) => e.id} onOpen={open} onEnd={() => found.hasNextPage && !found.isFetching && void found.fetchNextPage()} />
                {none ? <Nothing filtered={false} /> : null}
              </>
            ) : (
              <Nothing filtered={q !== ""} />
            );
          }}
        </Answered>
      </div>
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No experiment fits" />;
  return <NextStep title="No run yet" step="run" how="A first run, with the unmodified MLflow client" />;
}
