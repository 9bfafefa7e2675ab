// What was spent on what: by any two dimensions, over time, and as a file.

import { useNavigate } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useMemo } from "react";
import type { Stats } from "@/api/client";
import { linesOf, useStats, windowOf } from "@/api/stats";
import { Button } from "@/components/button";
import { largest } from "@/components/chart/stack";
import { TimeChart } from "@/components/chart/time-chart";
import { Select } from "@/components/choice";
import { FilterBar } from "@/components/filter/filter-bar";
import { useObserved } from "@/components/filter/observed";
import { FirstCall, useAnyCall } from "@/components/first-call";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Table } from "@/components/table/table";
import { TimeRangePicker } from "@/components/time-range";
import { csv, download } from "@/format/csv";
import { count, dollars, percent } from "@/format/number";
import { DIMENSIONS, KEYS, only, toParams } from "@/state/query";
import { bucketOf, useRange } from "@/state/range";
import { useParam } from "@/state/url";
import { type Row, columnsOf, narrowRow, rowsOf, sorted, tableOf } from "./rows";

const FILTERS = KEYS.filter((key) => key.dimension);
const words = (name: string) => name.replace("_", " ");
const BY = DIMENSIONS.map((name) => [name, `by ${words(name)}`] as const);
const THEN = [["none", "and nothing else"] as const, ...DIMENSIONS.map((name) => [name, `and ${words(name)}`] as const)];

export default function Costs() {
  const { range, setRange, every } = useRange();
  const [q, setQ] = useParam("q");
  const [by, setBy] = useParam("by", "department");
  const [then, setThen] = useParam("then", "model");
  const [order, setOrder] = useParam("order", "-cost");
  const navigate = useNavigate();
  const any = useAnyCall();
  const { observed, ask } = useObserved(range);
  const problems = useMemo(() => toParams(q, true).problems, [q]);
  const dimensions = useMemo(() => (then !== "none" && then !== by ? [by, then] : [by]), [by, then]);
  const stats = useStats({ range, q, every, by: dimensions, series: true });
  // What is shown may still be grouped as it was before.
  const shown = stats.data?.group_by ?? dimensions;
  const rows = useMemo(() => (stats.data ? sorted(rowsOf(stats.data, shown), order) : []), [stats.data, shown, order]);
  const columns = useMemo(() => columnsOf(shown), [shown]);
  const calls = (row: Row) => {
    const narrowed = shown.reduce((text, dimension, n) => (row.values[n] === null ? text : only(text, dimension, row.values[n] as string)), q);
    void navigate({ to: "/calls", search: (old: Record<string, string | undefined>) => ({ from: old.from, to: old.to, q: narrowed || undefined }) });
  };
  if (any === false) return <FirstCall about="What calls cost shows here, by whatever they carry" />;
  return (
    <>
      <PageHead title="Costs">
        <Button size="sm" disabled={!rows.length} onClick={() => download(`costs-${shown.join("-")}.csv`, csv(tableOf(rows, shown)))}>
          <Download aria-hidden /> CSV
        </Button>
        <TimeRangePicker />
      </PageHead>
      <div className="flex flex-col gap-3 px-4 pb-8 lg:px-6">
        <div className="flex flex-wrap items-start gap-2">
          <FilterBar className="min-w-60 flex-1" value={q} onChange={(text) => setQ(text, { push: true })} observed={observed} onFocus={ask} keys={FILTERS} problems={problems} placeholder="Filter: department:… model:…" />
          <div className="flex gap-2">
            <Select className="h-8" label="First group" value={by} options={BY} onChange={setBy} />
            <Select className="h-8" label="Second group" value={then} options={THEN} onChange={(value) => setThen(value)} />
          </div>
        </div>
        <Answered of={stats}>
          {(data) =>
            data.total.count ? (
              <>
                <Panel title={dollars(data.total.cost_usd)} about={said(data)} busy={stats.isFetching}>
                  <div className="px-3 pb-3">
                    <OverTime stats={data} bucket={bucketOf(range.length).ms} onBrush={(from, to) => setRange(new Date(from).toISOString(), new Date(to).toISOString())} />
                  </div>
                </Panel>
                <Panel title="Groups" about={`${rows.length} by ${shown.map(words).join(" and ")}`}>
                  <div className="flex max-h-[32rem] min-h-40 flex-col">
                    <Table label="Costs" narrow={narrowRow} columns={columns} rows={rows} rowKey={(row) => row.key} order={order} onOrder={setOrder} onOpen={calls} />
                  </div>
                </Panel>
              </>
            ) : (
              <Panel>
                <Empty title="No calls in this range" />
              </Panel>
            )
          }
        </Answered>
      </div>
    </>
  );
}

// What is known about the sum.
function said(stats: Stats): string {
  const { count: calls, unpriced, cache_hits } = stats.total;
  const hits = cache_hits ? `, ${percent(cache_hits / calls)} from the cache` : "";
  return `${count(calls)} calls${hits}${unpriced ? `, ${count(unpriced)} without a known price` : ""}`;
}

function OverTime({ stats, bucket, onBrush }: { stats: Stats; bucket: number; onBrush: (from: number, to: number) => void }) {
  const lines = useMemo(() => largest(linesOf(stats, (f) => f.cost_usd), 8), [stats]);
  const window = useMemo(() => windowOf(stats), [stats]);
  return <TimeChart label="Cost over time" lines={lines} window={window} bucket={bucket} kind="stack" format={dollars} height={220} onBrush={onBrush} />;
}
