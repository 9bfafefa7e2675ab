// Any two numbers of the runs against each other.

import { Select } from "@/components/choice";
import { seriesColour } from "@/components/chart/time-chart";
import { Empty } from "@/components/state";
import { useParam } from "@/state/url";
import type { Run } from "../mlflow";
import { metric } from "../numbers";
import { axesOf, place } from "./axes";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 360, 80, 44];

export function Scatter({ runs }: { runs: readonly Run[] }) {
  const axes = axesOf(runs);
  // A param in which they differ, a number if there is one; else another metric.
  const params = axes.filter((a) => a.id.startsWith("params.") && a.high > a.low);
  const metrics = axes.filter((a) => a.id.startsWith("metrics."));
  const usual = [params.find((a) => !a.ticks) ?? params[0] ?? metrics[1] ?? axes[0], metrics[0] ?? axes[1]];
  const [across, setAcross] = useParam("x", usual[0]?.id);
  const [up, setUp] = useParam("y", usual[1]?.id);
  const [x, y] = [axes.find((a) => a.id === across) ?? usual[0], axes.find((a) => a.id === up) ?? usual[1]];
  if (!x || !y) return <Empty title="The runs have no numbers" />;
  const options = axes.map((axis) => [axis.id, axis.id] as const);
  const px = (value: number) => LEFT + 20 + place(x, value) * (WIDTH - LEFT - 60);
  const py = (value: number) => HEIGHT - BOTTOM - 14 - place(y, value) * (HEIGHT - BOTTOM - 40);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap gap-2">
        <Select label="Across" value={x.id} options={options} onChange={setAcross} />
        <Select label="Up" value={y.id} options={options} onChange={setUp} />
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="w-full max-w-3xl" role="img" aria-label={`${y.name} against ${x.name}`}>
        <path d={`M${LEFT} 8V${HEIGHT - BOTTOM}H${WIDTH - 8}`} stroke="var(--strong)" fill="none" />
        {(x.ticks ? x.ticks.map((_, n) => n) : [...new Set([x.low, x.high])]).map((value, n) => (
          <text key={`x${n}`} x={px(value)} y={HEIGHT - BOTTOM + 16} textAnchor="middle" className="num fill-muted text-2xs">
            {x.ticks ? x.ticks[value] : metric(value)}
          </text>
        ))}
        {[y.low, y.high].map((value, n) => (
          <text key={`y${n}`} x={LEFT - 6} y={py(value) + 4} textAnchor="end" className="num fill-muted text-2xs">
            {y.ticks ? y.ticks[value] : metric(value)}
          </text>
        ))}
        <text x={(LEFT + WIDTH) / 2} y={HEIGHT - 8} textAnchor="middle" className="fill-text text-xs">
          {x.name}
        </text>
        <text transform={`translate(14 ${HEIGHT / 2}) rotate(-90)`} textAnchor="middle" className="fill-text text-xs">
          {y.name}
        </text>
        {runs.map((run, n) => {
          const [a, b] = [x.of(run), y.of(run)];
          if (a === undefined || b === undefined || !Number.isFinite(a) || !Number.isFinite(b)) return null;
          return (
            <circle key={run.id} cx={px(a)} cy={py(b)} r={6} fill={seriesColour(n)} stroke="var(--panel)">
              <title>{`${run.name}: ${x.name} ${x.ticks ? x.ticks[a] : metric(a)}, ${y.name} ${metric(b)}`}</title>
            </circle>
          );
        })}
      </svg>
    </div>
  );
}
