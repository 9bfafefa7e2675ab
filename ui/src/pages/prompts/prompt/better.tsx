// Which version is better: every metric with its interval, and a verdict that stays valid while one looks.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { Schema } from "@/api/client";
import { Badge, type Tone } from "@/components/badge";
import { Answered, Empty } from "@/components/state";
import { count, dollars, millis, percent } from "@/format/number";
import { useRange } from "@/state/range";
import { compare } from "../api";

type Comparison = Schema["CompareAnswer"];
type Difference = Comparison["differences"][number];

const TONES: Record<string, Tone> = { better: "ok", worse: "bad" };

function value(metric: string, of: number | null | undefined): string {
  if (/cost/.test(metric)) return dollars(of);
  if (metric.endsWith("_ms")) return millis(of);
  if (/rate/.test(metric)) return percent(of);
  return of === null || of === undefined ? "–" : metric.startsWith("scores.") ? of.toFixed(3) : count(Math.round(of * 10) / 10);
}

export function Better({ name }: { name: string }) {
  const { range, every } = useRange();
  const found = useQuery({
    queryKey: ["compare", name, range.key],
    refetchInterval: every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const { from, to } = range.query();
      return compare(name, from, to, signal);
    },
  });
  return (
    <Answered of={found}>
      {(data) =>
        data.versions.length < 2 ? (
          <Empty title={data.versions.length ? "Only one version was used in this range" : "No calls used this prompt in this range"} />
        ) : (
          <div className="flex flex-col gap-4">
            <Used data={data} />
            {data.versions.filter((v) => v.version !== data.baseline).map((v) => (
              <Differences key={v.version} data={data} version={v.version} />
            ))}
            <p className="max-w-prose text-xs text-muted">
              {data.test.name}: {percent(data.test.confidence)} confidence over all comparisons together, valid however often one looks. A verdict needs {data.test.least} values of each version.
            </p>
          </div>
        )
      }
    </Answered>
  );
}

function Used({ data }: { data: Comparison }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Versions, sideways">
      <table className="w-full min-w-2xl text-left whitespace-nowrap" aria-label="Versions in this range">
        <thead className="text-xs text-muted">
          <tr className="border-b border-line [&>th]:h-8 [&>th]:px-3 [&>th]:font-medium">
            <th>Version</th>
            <th className="text-right">Calls</th>
            <th className="text-right">Errors</th>
            <th className="text-right">p50</th>
            <th className="text-right">p95</th>
            <th className="text-right">Tokens in</th>
            <th className="text-right">Tokens out</th>
            <th className="text-right">Cost per call</th>
          </tr>
        </thead>
        <tbody>
          {data.versions.map((v) => (
            <tr key={v.version} className="num h-9 border-b border-line/60 [&>td]:px-3 [&>td:not(:first-child)]:text-right">
              <td className="font-semibold">
                {v.version} {v.version === data.baseline ? <Badge title={`by ${data.baseline_by}`}>baseline</Badge> : null}
              </td>
              <td>{count(v.calls)}</td>
              <td>{percent(v.error_rate)}</td>
              <td>{millis(v.latency_ms.p50)}</td>
              <td>{millis(v.latency_ms.p95)}</td>
              <td>{value("prompt_tokens", v.prompt_tokens.mean)}</td>
              <td>{value("completion_tokens", v.completion_tokens.mean)}</td>
              <td>{dollars(v.cost_usd.mean)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Differences({ data, version }: { data: Comparison; version: string }) {
  const rows = data.differences.filter((d) => d.version === version);
  const most = Math.max(...rows.flatMap((d) => ends(d).map(Math.abs)), 0.05);
  return (
    <section>
      <h3 className="pb-1 font-semibold">
        {version} against {data.baseline}
      </h3>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Differences, sideways">
        <table className="w-full min-w-2xl text-left whitespace-nowrap" aria-label={`Differences of ${version}`}>
          <thead className="text-xs text-muted">
            <tr className="border-b border-line [&>th]:h-8 [&>th]:px-3 [&>th]:font-medium">
              <th>Metric</th>
              <th className="text-right">{data.baseline}</th>
              <th className="text-right">{version}</th>
              <th className="w-72">Difference and its interval</th>
              <th className="text-right">p</th>
              <th>Verdict</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((d) => (
              <tr key={d.metric} className="num h-9 border-b border-line/60 [&>td]:px-3">
                <td>{d.metric.replace("scores.", "score: ").replaceAll("_", " ").replace(/ (ms|usd)$/, "")}</td>
                <td className="text-right">{value(d.metric, d.baseline.mean)}</td>
                <td className="text-right">{value(d.metric, d.this.mean)}</td>
                <td>
                  <Interval of={d} most={most} />
                </td>
                <td className="text-right text-muted">{d.p_value === null || d.p_value === undefined ? "–" : d.p_value < 0.0001 ? "<0.0001" : d.p_value.toFixed(4)}</td>
                <td>{TONES[d.verdict] ? <Badge tone={TONES[d.verdict]}>{d.verdict}</Badge> : <span className="text-xs text-muted">{d.verdict}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

// The ends of the interval as parts of the baseline.
function ends(d: Difference): number[] {
  const base = d.baseline.mean;
  return base && d.interval ? [(d.interval[0] ?? 0) / base, (d.interval[1] ?? 0) / base].map((x) => Math.max(-1, Math.min(1, x))) : [];
}

function Interval({ of, most }: { of: Difference; most: number }) {
  const [low, high] = ends(of);
  const relative = of.relative;
  const x = (part: number) => 50 + (part / most) * 46;
  const tone = of.verdict === "better" ? "var(--ok)" : of.verdict === "worse" ? "var(--bad)" : "var(--muted)";
  return (
    <span className="flex items-center gap-2">
      <svg viewBox="0 0 100 12" preserveAspectRatio="none" className="h-3 w-40" aria-hidden>
        <line x1={50} x2={50} y1={0} y2={12} stroke="var(--strong)" vectorEffect="non-scaling-stroke" />
        {low === undefined || high === undefined ? null : (
          <>
            <line x1={x(low)} x2={x(high)} y1={6} y2={6} stroke={tone} strokeWidth={2} vectorEffect="non-scaling-stroke" />
            {relative === null || relative === undefined ? null : <line x1={x(Math.max(-1, Math.min(1, relative)))} x2={x(Math.max(-1, Math.min(1, relative)))} y1={1} y2={11} stroke={tone} strokeWidth={4} vectorEffect="non-scaling-stroke" />}
          </>
        )}
      </svg>
      <span className="w-16 text-right">{relative === null || relative === undefined ? "–" : `${relative > 0 ? "+" : "−"}${percent(Math.abs(relative))}`}</span>
    </span>
  );
}
