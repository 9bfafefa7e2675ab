// The runs of an experiment: params, metrics and tags as columns, filtered with MLflow's syntax; those that are chosen side by side.

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Columns2, Download, ListTree } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { Button, buttonClass } from "@/components/button";
import { Field } from "@/components/choice";
import { Crumb } from "@/components/crumb";
import { NextStep, whileEmpty } from "@/components/next-step";
import { PageHead } from "@/components/page-head";
import { Answered, Empty, Failed } from "@/components/state";
import { ColumnChooser, useColumns } from "@/components/table/columns";
import { Table } from "@/components/table/table";
import { useShortcut } from "@/app/shortcuts";
import { csv, download } from "@/format/csv";
import { write } from "@/state/query";
import { useUrl } from "@/state/url";
import { Compare } from "../compare/compare";
import { type Run, experiment, runs } from "../mlflow";
import { columnsOf } from "./columns";
import { tableOf } from "./table";

export default function Runs() {
  const id = (useParams({ strict: false }) as { experiment: string }).experiment;
  const [url, set] = useUrl();
  const navigate = useNavigate();
  const of = useQuery({ queryKey: ["mlflow", "experiment", id], queryFn: ({ signal }) => experiment(id, signal) });
  const { q = "", order = "-attributes.start_time", view } = url;
  const chosen = useMemo(() => new Set((url.runs ?? "").split(",").filter(Boolean)), [url.runs]);
  const found = useInfiniteQuery({
    queryKey: ["mlflow", "runs", id, q, order],
    placeholderData: keepPreviousData,
    retry: false,
    refetchInterval: whileEmpty<{ pages: { runs: unknown[] }[] }>((data) => q === "" && !data.pages[0]?.runs.length),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => runs([id], { filter: q, order: `${order.replace(/^-/, "")} ${order.startsWith("-") ? "DESC" : "ASC"}`, token: pageParam }, signal),
    getNextPageParam: (page) => page.next,
  });
  const rows = useMemo(() => found.data?.pages.flatMap((page) => page.runs) ?? [], [found.data]);
  const choose = (run: string) => {
    const next = new Set(chosen);
    if (!next.delete(run)) next.add(run);
    set({ runs: [...next].join(",") || undefined });
  };
  const columns = useMemo(() => columnsOf(rows, { chosen, onChoose: choose }), [rows, chosen]);
  const [shown, setShown] = useColumns<Run>(`runs-${id}`, columns);
  const open = (run: Run) => void navigate({ to: "/experiments/$experiment/runs/$run", params: { experiment: id, run: run.id } });
  const compare = () => set({ view: "compare" }, { push: true });
  useShortcut("c", "Compare the chosen runs", compare, { off: chosen.size < 2 || view === "compare" });
  const comparing = view === "compare" && chosen.size > 0;
  const title = (
    <>
      <Crumb to="/experiments">Experiments</Crumb>
      {of.data?.name ?? id}
    </>
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title={title} about={of.data?.note || undefined}>
        {comparing ? (
          <Button size="sm" onClick={() => set({ view: undefined }, { push: true })}>
            All runs
          </Button>
        ) : (
          <>
            <Button size="sm" kind={chosen.size > 1 ? "primary" : "plain"} disabled={chosen.size < 2} onClick={compare} title="Choose two runs or more">
              <Columns2 aria-hidden /> Compare{chosen.size ? ` ${chosen.size}` : ""}
            </Button>
            <Button size="sm" disabled={!rows.length} onClick={() => download(`runs-${of.data?.name ?? id}.csv`, csv(tableOf(rows)))}>
              <Download aria-hidden /> CSV
            </Button>
            {of.data ? (
              <Link to="/calls" search={{ view: "traces", q: write("project", of.data.name) }} className={buttonClass({ size: "sm" })}>
                <ListTree aria-hidden /> Traces
              </Link>
            ) : null}
            <ColumnChooser columns={columns} shown={shown} onChange={setShown} />
          </>
        )}
      </PageHead>
      {comparing ? (
        <div className="min-h-0 flex-1 overflow-y-auto px-4 pb-8 lg:px-6">
          <Compare known={rows} ids={[...chosen]} onLeave={choose} />
        </div>
      ) : (
        <>
          <div className="px-4 pb-2 lg:px-6">
            <Filter value={q} onChange={(text) => set({ q: text || undefined }, { push: true })} />
            {found.error && found.data ? <Failed error={found.error} className="mt-2" /> : null}
          </div>
          <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
            <Answered of={found.data ? { ...found, error: null } : found}>
              {() =>
                rows.length ? (
                  <Table
                    label="Runs"
                    columns={columns}
                    shown={shown}
                    rows={rows}
                    rowKey={(run) => run.id}
                    onOpen={open}
                    order={order}
                    onOrder={(next) => set({ order: next })}
                    onEnd={() => found.hasNextPage && !found.isFetching && void found.fetchNextPage()}
                  />
                ) : (
                  <Nothing filtered={q !== ""} of={of.data?.name} />
                )
              }
            </Answered>
          </div>
        </>
      )}
    </div>
  );
}

function Nothing({ filtered, of }: { filtered: boolean; of: string | undefined }) {
  if (filtered) return <Empty title="No run fits the filter" />;
  return <NextStep title="No run yet" step="run" of={of} how="A first run, with the unmodified MLflow client" />;
}

// MLflow's syntax, applied with Enter.
function Filter({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChange(text.trim());
      }}
    >
      <Field
        aria-label="Filter runs"
        className="font-mono text-xs"
        placeholder="metrics.val_f1 > 0.85 and params.optimizer = 'adamw'"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => text.trim() !== value && onChange(text.trim())}
      />
    </form>
  );
}
