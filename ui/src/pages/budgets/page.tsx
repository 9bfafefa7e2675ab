// Budgets with what they will come to, and objectives with how fast they are used up.

import { useQuery } from "@tanstack/react-query";
import { Refused, json } from "@/api/client";
import { Badge } from "@/components/badge";
import { cx } from "@/components/classes";
import { Snippet } from "@/components/code";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { count, dollars, millis, percent } from "@/format/number";

type Budget = { name: string; labels: Record<string, string>; amount: number; unit: string; period: string; from: string; to: string; spent: number; remaining: number; share: number; crossed: number | null; projected: number; exhausted_at: string | null; forecast: string };
type Burn = { severity: string; long_s: number; short_s: number; long_rate: number; short_rate: number; factor: number; total: number; firing: boolean };
type Slo = { name: string; objective: number; indicator: string; target: number | null; from: string; to: string; total: number; bad: number; good_share: number | null; budget_left: number; burn_rates: Burn[]; firing: boolean };

const EVERY = 30_000;
const absent = (error: unknown) => error instanceof Refused && error.status === 404;

export default function Budgets() {
  const budgets = useQuery({ queryKey: ["budgets"], refetchInterval: EVERY, retry: false, queryFn: async ({ signal }) => (await json<{ budgets: Budget[] }>("/api/v1/budgets", {}, { signal })).budgets });
  const slos = useQuery({ queryKey: ["slos"], refetchInterval: EVERY, retry: false, queryFn: async ({ signal }) => (await json<{ slos: Slo[] }>("/api/v1/slos", {}, { signal })).slos });
  return (
    <>
      <PageHead title="Budgets" about="and objectives" />
      <div className="flex flex-col gap-3 px-4 pb-8 lg:px-6">
        <Answered of={budgets} absent={<Empty title="This server has no budgets" />}>
          {(list) =>
            list.length ? (
              <div className="grid gap-3 md:grid-cols-2 2xl:grid-cols-3">
                {list.map((budget) => (
                  <BudgetCard key={`${budget.name}${JSON.stringify(budget.labels)}`} budget={budget} />
                ))}
              </div>
            ) : (
              <Panel>
                <Empty title="No budget yet">
                  <p className="max-w-prose">A budget says what may be spent in a period; what it will come to is told from the rhythm of the week.</p>
                  <div className="w-full max-w-xl">
                    <Snippet text={'[[budgets]]\nname = "support"\namount = 100\nperiod = "month"\nfilters = { department = "support" }'}>In weir.toml; it is taken without a restart</Snippet>
                  </div>
                </Empty>
              </Panel>
            )
          }
        </Answered>
        {absent(slos.error) ? null : (
          <Panel title="Objectives" about="share of calls that must be good">
            <Answered of={slos}>{(list) => (list.length ? <Objectives of={list} /> : <NoObjective />)}</Answered>
          </Panel>
        )}
      </div>
    </>
  );
}

function NoObjective() {
  return (
    <Empty title="No objective yet" className="py-6">
      <div className="w-full max-w-xl">
        <Snippet text={'[[slos]]\nname = "answers"\nobjective = 0.99'}>In weir.toml: 99 of 100 calls must not fail</Snippet>
      </div>
    </Empty>
  );
}

const amount = (budget: Budget, value: number) => (budget.unit === "usd" ? dollars(value) : `${count(value)} ${budget.unit}`);

function BudgetCard({ budget }: { budget: Budget }) {
  const over = budget.projected > budget.amount;
  const spent = budget.share >= 1;
  const most = Math.max(budget.amount, budget.projected, budget.spent) || 1;
  const part = (value: number) => `${Math.min((value / most) * 100, 100)}%`;
  return (
    <section className="flex flex-col gap-2 rounded-lg border border-line bg-panel p-4" aria-label={`Budget ${budget.name}`}>
      <div className="flex items-center gap-2">
        <h2 className="font-semibold">{budget.name}</h2>
        {Object.entries(budget.labels).map(([name, value]) => (
          <Badge key={name}>{value || "none"}</Badge>
        ))}
        <Badge tone={spent ? "bad" : over ? "warn" : "ok"} className="ml-auto">
          {spent ? "spent" : over ? "will not last" : "lasts"}
        </Badge>
      </div>
      <p className="num">
        <span className="text-xl font-semibold">{amount(budget, budget.spent)}</span> <span className="text-muted">of {amount(budget, budget.amount)} this {budget.period}, {percent(budget.share)}</span>
      </p>
      <div className="relative h-3 rounded-full bg-sunken" role="img" aria-label={`${percent(budget.share)} spent, ${amount(budget, budget.projected)} expected`}>
        <span className="absolute inset-y-0 left-0 rounded-full bg-accent/30" style={{ width: part(budget.projected) }} />
        <span className={cx("absolute inset-y-0 left-0 rounded-full", spent ? "bg-bad" : "bg-accent")} style={{ width: part(budget.spent) }} />
        <span className="absolute inset-y-[-3px] w-0.5 bg-text" style={{ left: part(budget.amount) }} title="the budget" />
      </div>
      <p className="text-xs text-muted">
        {budget.forecast === "unknown" ? "Too little is known for a forecast." : `${amount(budget, budget.projected)} expected by its end (${budget.forecast === "holt_winters" ? "by the rhythm of the week" : "at this rate"}).`}{" "}
        {budget.exhausted_at && !spent ? (
          <>
            Reached <Time at={budget.exhausted_at} relative />.
          </>
        ) : null}
      </p>
    </section>
  );
}

const UNKNOWN_BURN = "–";
const seconds = (s: number) => millis(s * 1_000);

function Objectives({ of }: { of: Slo[] }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Objectives, sideways">
      <table className="w-full min-w-2xl text-left whitespace-nowrap" aria-label="Objectives">
        <thead className="text-xs text-muted">
          <tr className="border-b border-line [&>th]:h-8 [&>th]:px-4 [&>th]:font-medium">
            <th>Objective</th>
            <th className="text-right">Aim</th>
            <th className="text-right">Good</th>
            <th className="text-right">Of</th>
            <th className="text-right">Error budget left</th>
            <th>Burns</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {of.map((slo) => (
            <tr key={slo.name} className="num h-10 border-b border-line/60 [&>td]:px-4">
              <td>
                <span className="font-medium">{slo.name}</span>{" "}
                <span className="text-xs text-muted">
                  {slo.indicator}
                  {slo.target === null ? "" : slo.indicator === "latency" ? ` below ${millis(slo.target)}` : ` at least ${slo.target}`}
                </span>
              </td>
              <td className="text-right">{(slo.objective * 100).toFixed(2).replace(/\.?0+$/, "")} %</td>
              <td className="text-right">{slo.good_share === null ? UNKNOWN_BURN : `${(slo.good_share * 100).toFixed(2)} %`}</td>
              <td className="text-right">{count(slo.total)}</td>
              <td className={cx("text-right", slo.budget_left < 0 && "text-bad")}>{percent(slo.budget_left)}</td>
              <td className="text-xs text-muted">
                {slo.burn_rates.map((burn) => (
                  <span key={burn.long_s} className={cx("mr-3", burn.firing && "font-medium text-bad")} title={`fires above ${burn.factor} × over ${seconds(burn.long_s)} and ${seconds(burn.short_s)}`}>
                    {burn.long_rate.toFixed(1)} × / {seconds(burn.long_s)}
                  </span>
                ))}
              </td>
              <td>{slo.firing ? <Badge tone="bad">too fast</Badge> : <Badge tone="ok">ok</Badge>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
