import type { Stats } from "@/api/client";
import { useStats } from "@/api/stats";
import { Panel } from "@/components/panel";
import { Stat } from "@/components/stat";
import { Answered } from "@/components/state";
import { change, count, dollars, exact, millis, percent } from "@/format/number";
import { DAY, type TimeRange } from "@/state/range";
import { saved } from "./saved";

const WEEK = 7 * DAY;

// What everybody asks first, against the same time so many weeks before. All of it is asked at once.
export function KeyFigures({ range, q, every }: { range: TimeRange; q: string; every: number | false }) {
  const all = useStats({ range, q, every, series: true });
  const shift = Math.max(1, Math.ceil(range.length / WEEK - 0.01)) * WEEK;
  const before = useStats({ range, q, every, shift });
  const cached = useStats({ range, q, every, by: ["model"] });
  return <Answered of={all}>{(stats) => <Figures stats={stats} before={before.data} cached={cached.data} shift={shift} />}</Answered>;
}

function Figures({ stats, before, cached, shift }: { stats: Stats; before: Stats | undefined; cached: Stats | undefined; shift: number }) {
  const [now, then] = [stats.total, before?.total.count ? before.total : undefined];
  const series = stats.groups[0]?.series ?? [];
  const of = (value: (figures: Stats["total"]) => number | null) => series.map((bucket) => value(bucket));
  const weeks = shift / WEEK;
  const against = weeks === 1 ? "vs. last week" : `vs. ${weeks} weeks ago`;
  const rate = (f: Stats["total"] | undefined) => (f?.count ? f.cache_hits / f.count : null);
  const notCosted = cached ? saved(cached) : undefined;
  const hidden = then ? against : "no calls last week";
  return (
    <Panel className="overflow-hidden">
      <div className="-mr-px -mb-px grid grid-cols-2 sm:grid-cols-4 2xl:grid-cols-8 [&>*]:border-r [&>*]:border-b [&>*]:border-line">
        <Stat name="Calls" value={count(now.count)} title={exact(now.count)} change={change(now.count, then?.count)} before={hidden} series={of((f) => f.count)} />
        <Stat name="Error rate" value={percent(now.error_rate)} title={`${exact(now.errors)} calls failed`} change={change(now.error_rate, then?.error_rate)} rise="bad" before={hidden} series={of((f) => f.error_rate)} />
        <Stat name="Latency p50" value={millis(now.latency_ms.p50)} change={change(now.latency_ms.p50, then?.latency_ms.p50)} rise="bad" before={hidden} series={of((f) => f.latency_ms.p50 ?? null)} />
        <Stat name="Latency p95" value={millis(now.latency_ms.p95)} change={change(now.latency_ms.p95, then?.latency_ms.p95)} rise="bad" before={hidden} series={of((f) => f.latency_ms.p95 ?? null)} />
        <Stat name="Latency p99" value={millis(now.latency_ms.p99)} change={change(now.latency_ms.p99, then?.latency_ms.p99)} rise="bad" before={hidden} series={of((f) => f.latency_ms.p99 ?? null)} />
        <Stat
          name="Tokens"
          value={count(now.tokens.total)}
          title={`${exact(now.tokens.prompt)} in, ${exact(now.tokens.completion)} out`}
          change={change(now.tokens.total, then?.tokens.total)}
          before={hidden}
          series={of((f) => f.tokens.total)}
        />
        <Stat
          name="Cost"
          value={dollars(now.cost_usd)}
          title={now.unpriced ? `${exact(now.unpriced)} calls have no known price and are not in it` : `$${exact(now.cost_usd)}`}
          change={change(now.cost_usd, then?.cost_usd)}
          before={hidden}
          series={of((f) => f.cost_usd)}
        />
        <Stat
          name={notCosted ? `Cache hits · ${dollars(notCosted)} saved` : "Cache hits"}
          value={percent(rate(now))}
          title={notCosted ? "What hits would have cost, by the mean cost of the same model's calls" : undefined}
          change={change(rate(now), rate(then))}
          rise="good"
          before={hidden}
          series={of((f) => rate(f))}
        />
      </div>
    </Panel>
  );
}
