// Where the nodes of a workflow stand: in columns in the direction of the flow, the most visited of a column first. Pure.

export type Node = { name: string; visits: number };
export type Edge = { from: string; to: string; count: number };
export type Placed = { name: string; x: number; y: number };

export const NODE = { width: 132, height: 44 };
const GAP = { x: 128, y: 24 };
const MARGIN = 12;

// The column of each node: one more than the furthest that leads to it. Ways that lead back count for nothing.
export function columns(nodes: readonly Node[], edges: readonly Edge[]): Map<string, number> {
  const at = new Map<string, number>();
  const under = new Set<string>();
  const visit = (name: string, column: number) => {
    if (under.has(name) || column > nodes.length || (at.get(name) ?? -1) >= column) return;
    at.set(name, column);
    under.add(name);
    for (const edge of edges) if (edge.from === name && edge.to !== name) visit(edge.to, column + 1);
    under.delete(name);
  };
  const entered = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
  for (const node of nodes) if (!entered.has(node.name)) visit(node.name, 0);
  // A circle without a beginning begins where it is left most.
  for (const node of nodes) if (!at.has(node.name)) visit(node.name, 0);
  return at;
}

export function layout(nodes: readonly Node[], edges: readonly Edge[]): { placed: Placed[]; width: number; height: number } {
  const at = columns(nodes, edges);
  const byColumn: Node[][] = [];
  for (const node of nodes) (byColumn[at.get(node.name) ?? 0] ??= []).push(node);
  const tallest = Math.max(...byColumn.map((column) => column?.length ?? 0), 1);
  const height = tallest * (NODE.height + GAP.y) - GAP.y + 2 * MARGIN;
  const placed: Placed[] = [];
  // As high as what leads there, so that few ways cross; then the most visited first.
  const above = (name: string) => {
    const from = placed.filter((p) => edges.some((edge) => edge.from === p.name && edge.to === name));
    return from.length ? from.reduce((sum, p) => sum + p.y, 0) / from.length : height / 2;
  };
  byColumn.forEach((column, x) => {
    const sorted = [...(column ?? [])].sort((a, b) => above(a.name) - above(b.name) || b.visits - a.visits);
    const room = sorted.length * (NODE.height + GAP.y) - GAP.y;
    sorted.forEach((node, y) => {
      placed.push({ name: node.name, x: MARGIN + x * (NODE.width + GAP.x), y: (height - room) / 2 + y * (NODE.height + GAP.y) });
    });
  });
  return { placed, width: byColumn.length * (NODE.width + GAP.x) - GAP.x + 2 * MARGIN, height };
}

// The path of an edge: from the right of a node to the left of another; one that leads back goes around below.
export function path(from: Placed, to: Placed, height: number): { d: string; x: number; y: number } {
  const start = { x: from.x + NODE.width, y: from.y + NODE.height / 2 };
  const end = { x: to.x, y: to.y + NODE.height / 2 };
  if (end.x > start.x) {
    const bend = (end.x - start.x) / 2;
    // Labels stand before the next column, whose nodes would cover them, and nearer to the end, where the ways have parted.
    const part = (0.62 * GAP.x) / (end.x - start.x);
    const y = start.y + (end.y - start.y) * (3 * part ** 2 - 2 * part ** 3);
    return { d: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`, x: start.x + (end.x - start.x) * part, y };
  }
  const below = height - 4;
  return { d: `M${from.x + NODE.width / 2} ${from.y + NODE.height}C${from.x + NODE.width / 2} ${below} ${to.x + NODE.width / 2} ${below} ${to.x + NODE.width / 2} ${to.y + NODE.height}`, x: (from.x + to.x + NODE.width) / 2, y: below - 8 };
}
