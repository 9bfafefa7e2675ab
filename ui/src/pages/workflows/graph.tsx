// The graph: every way is as wide as its share. A click on one shows the requests that went it.

import type { Schema } from "@/api/client";
import { cx } from "@/components/classes";
import { count, percent } from "@/format/number";
import { changeText } from "./decisions";
import { NODE, layout, path } from "./layout";

type Workflow = Schema["WorkflowAnswer"];
type Edge = Workflow["edges"][number];

// How small it becomes to fit; what is wider yet is scrolled.
const LEAST = 0.7;

export const edgeKey = (edge: Pick<Edge, "from" | "to">) => `${edge.from} → ${edge.to}`;

export function Graph({ data, open, onOpen }: { data: Workflow; open: string; onOpen: (key: string) => void }) {
  const { placed, width, height } = layout(data.nodes, data.edges);
  const of = new Map(placed.map((node) => [node.name, node]));
  const ways = data.edges.flatMap((edge) => {
    const [from, to] = [of.get(edge.from), of.get(edge.to)];
    return from && to ? [{ edge, ...path(from, to, height) }] : [];
  });
  return (
    <div className="overflow-x-auto px-4 pb-3" tabIndex={0} role="region" aria-label="Graph of the workflow">
      <svg viewBox={`0 0 ${width} ${height}`} className="mx-auto block w-full" style={{ maxWidth: width, minWidth: width * LEAST }} role="group" aria-label="Nodes and the ways between them">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0L8 4L0 8z" fill="var(--strong)" />
          </marker>
        </defs>
        {ways.map(({ edge, d }) => {
          const key = edgeKey(edge);
          return (
            <g key={key}>
              <path d={d} fill="none" stroke={open === key ? "var(--accent)" : "var(--strong)"} strokeOpacity={open === key ? 0.8 : 0.65} strokeWidth={1.5 + 11 * (edge.share ?? 0)} markerEnd="url(#arrow)" />
              <path
                d={d}
                fill="none"
                stroke="transparent"
                strokeWidth={22}
                role="button"
                tabIndex={0}
                aria-label={`${key}: ${percent(edge.share)}, ${count(edge.count)} decisions`}
                className="cursor-pointer outline-offset-4"
                onClick={() => onOpen(key)}
                onKeyDown={(event) => {
                  if (event.key !== "Enter" && event.key !== " ") return;
                  event.preventDefault();
                  onOpen(key);
                }}
              >
                <title>{`${key}: ${count(edge.count)} decisions, ${count(edge.before.count)} before`}</title>
              </path>
            </g>
          );
        })}
        {placed.map(({ name, x, y }) => {
          const node = data.nodes.find((n) => n.name === name);
          return (
            <g key={name} transform={`translate(${x} ${y})`}>
              <title>{`${name}: ${count(node?.visits)} visits, ${count(node?.visits_before)} before`}</title>
              <rect width={NODE.width} height={NODE.height} rx={8} fill="var(--panel)" stroke="var(--strong)" />
              <text x={NODE.width / 2} y={18} textAnchor="middle" className="fill-text text-xs font-semibold">
                {name.length > 18 ? `${name.slice(0, 17)}…` : name}
              </text>
              <text x={NODE.width / 2} y={34} textAnchor="middle" className="num fill-muted text-2xs">
                {count(node?.visits)} visits
              </text>
            </g>
          );
        })}
        {ways.map(({ edge, x, y }) => {
          const changed = edge.change.verdict === "higher" || edge.change.verdict === "lower";
          return (
            <g key={edgeKey(edge)} transform={`translate(${x} ${y})`} className="pointer-events-none">
              <rect x={-24} y={changed ? -16 : -10} width={48} height={changed ? 32 : 20} rx={5} fill="var(--panel)" stroke="var(--line)" />
              <text textAnchor="middle" y={changed ? -3 : 4} className="num fill-text text-xs font-medium">
                {percent(edge.share)}
              </text>
              {changed ? (
                <text textAnchor="middle" y={11} className={cx("num text-2xs", edge.change.verdict === "higher" ? "fill-accent" : "fill-warn")}>
                  {changeText(edge.change.difference)}
                </text>
              ) : null}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
