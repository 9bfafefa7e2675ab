// Who is at the top, by any measure: models, departments, prompt versions.

import { Link } from "@tanstack/react-router";
import { ArrowUpRight } from "lucide-react";
import type { Figures } from "@/api/client";
import { groupName, useStats } from "@/api/stats";
import { buttonClass } from "@/components/button";
import { Bars } from "@/components/chart/bars";
import { Select } from "@/components/choice";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { count, dollars, millis, percent } from "@/format/number";
import { only, values } from "@/state/query";
import type { TimeRange } from "@/state/range";
import { useParam } from "@/state/url";

type Measure = { name: string; of: (f: Figures) => number | null | undefined; format: (value: number) => string };

const MEASURES = {
  cost: { name: "cost", of: (f) => f.cost_usd, format: dollars },
  calls: { name: "calls", of: (f) => f.count, format: count },
  tokens: { name: "tokens", of: (f) => f.tokens.total, format: count },
  errors: { name: "errors", of: (f) => f.errors, format: count },
  error_rate: { name: "error rate", of: (f) => f.error_rate, format: percent },
  p50: { name: "latency p50", of: (f) => f.latency_ms.p50, format: millis },
  p95: { name: "latency p95", of: (f) => f.latency_ms.p95, format: millis },
  p99: { name: "latency p99", of: (f) => f.latency_ms.p99, format: millis },
  per_call: { name: "cost per call", of: (f) => (f.count ? f.cost_usd / f.count : null), format: dollars },
  cache: { name: "cache hit rate", of: (f) => (f.count ? f.cache_hits / f.count : null), format: percent },
} satisfies Record<string, Measure>;

const OPTIONS = Object.entries(MEASURES).map(([id, { name }]) => [id, `by ${name}`] as const);
const LISTS = [
  ["model", "Models"],
  ["department", "Departments"],
  ["prompt_version", "Prompts"],
] as const;
const MOST = 7;

type Props = { range: TimeRange; q: string; every: number | false; onFilter: (key: string, value: string) => void };

export function Leaders(props: Props) {
  const [measure, setMeasure] = useParam("top", "cost");
  const shown: Measure = MEASURES[measure as keyof typeof MEASURES] ?? MEASURES.cost;
  return (
    <Panel title="Top" actions={<Select label="Measure" value={measure} options={OPTIONS} onChange={setMeasure} />}>
      <div className="grid gap-x-6 gap-y-4 px-4 pb-4 md:grid-cols-3">
        {LISTS.map(([dimension, title]) => (
          <List key={dimension} {...props} dimension={dimension} title={title} measure={shown} />
        ))}
      </div>
    </Panel>
  );
}

function List({ range, q, every, onFilter, dimension, title, measure }: Props & { dimension: string; title: string; measure: Measure }) {
  const stats = useStats({ range, q, every, by: [dimension] });
  const chosen = values(q, dimension);
  return (
    <section className="min-w-0">
      <h3 className="pb-1 text-xs font-medium text-muted">{title}</h3>
      <Answered of={stats}>
        {(data) => {
          const bars = data.groups
            .filter((group) => group.by[dimension] !== null)
            .map((group) => ({ name: groupName(group), value: measure.of(group.total) ?? 0, title: `${count(group.total.count)} calls, ${dollars(group.total.cost_usd)}`, chosen: chosen.includes(groupName(group)) }))
            .sort((a, b) => b.value - a.value)
            .slice(0, MOST);
          if (!bars.length) return <Empty title={`No call names ${dimension === "prompt_version" ? "a prompt" : `a ${dimension}`}`} className="py-6 text-xs" />;
          return (
            <Bars
              bars={bars}
              format={measure.format}
              onPick={(name) => onFilter(dimension, name)}
              action={(bar) => (
                <Link to="/calls" search={{ q: only(q, dimension, bar.name) }} aria-label={`Calls of ${bar.name}`} className={buttonClass({ kind: "quiet", size: "icon-sm" })}>
                  <ArrowUpRight aria-hidden />
                </Link>
              )}
            />
          );
        }}
      </Answered>
    </section>
  );
}
