// Is it healthy, what does it cost, what changed.

import { useNavigate } from "@tanstack/react-router";
import { memo, useCallback, useMemo } from "react";
import type { Pick } from "@/components/chart/time-chart";
import { FilterBar } from "@/components/filter/filter-bar";
import { useObserved } from "@/components/filter/observed";
import { FirstCall, useAnyCall } from "@/components/first-call";
import { PageHead } from "@/components/page-head";
import { TimeRangePicker } from "@/components/time-range";
import { KEYS, only, toParams } from "@/state/query";
import { type TimeRange, useRange } from "@/state/range";
import { useParam } from "@/state/url";
import { Branches, useWorkflows } from "./branches";
import { CallsChart, CostChart, LatencyChart, TokensChart } from "./charts";
import { KeyFigures } from "./key-figures";
import { Leaders } from "./leaders";
import { WatchStrip } from "./watch-strip";

const FILTERS = KEYS.filter((key) => key.dimension);

export default function Overview() {
  return useAnyCall() === false ? <FirstCall /> : <Page />;
}

// Each part asks for what it shows, so that an answer draws its part anew and not the page.
const Page = memo(function Page() {
  const { range, setRange, every } = useRange();
  const [q, setQ] = useParam("q");
  const navigate = useNavigate();
  const { observed, ask } = useObserved(range);
  const problems = useMemo(() => toParams(q, true).problems, [q]);
  const brush = useCallback((from: number, to: number) => setRange(new Date(from).toISOString(), new Date(to).toISOString()), [setRange]);
  // The calls behind a place in a chart.
  const pick = useCallback(
    (dimension: string | undefined, { name, from, to }: Pick) => {
      const narrowed = dimension && name && name !== "none" && name !== "others" ? only(q, dimension, name) : q;
      const search = { q: narrowed || undefined, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      void navigate({ to: "/calls", search });
    },
    [navigate, q],
  );
  const chart = { range, every, q, onBrush: brush, onPick: pick };

  return (
    <>
      <AskedFirst range={range} every={every} />
      <PageHead title="Overview">
        <TimeRangePicker />
      </PageHead>
      <div className="flex flex-col gap-3 px-4 pb-8 lg:px-6">
        <FilterBar value={q} onChange={(text) => setQ(text, { push: true })} observed={observed} onFocus={ask} keys={FILTERS} problems={problems} placeholder="Filter: model:… department:… status:error" />
        <KeyFigures range={range} q={q} every={every} />
        <WatchStrip range={range} />
        <div className="grid gap-3 xl:grid-cols-2">
          <CallsChart {...chart} />
          <CostChart {...chart} />
          <LatencyChart {...chart} />
          <TokensChart {...chart} />
        </div>
        <Leaders range={range} q={q} every={every} onFilter={(key, value) => setQ(only(q, key, value), { push: true })} />
        <Branches range={range} every={every} onBrush={brush} />
      </div>
    </>
  );
});

// The chart of branches has to know a workflow before it can ask for one.
function AskedFirst({ range, every }: { range: TimeRange; every: number | false }) {
  useWorkflows(range, every);
  return null;
}
