// Two texts side by side, line by line, by their longest common subsequence. Pure; texts of up to some thousand lines.

export type Pair = { left?: string; right?: string; same: boolean };

const MOST = 4_000;

export function sideBySide(before: string, after: string): Pair[] {
  const [a, b] = [before.split("\n").slice(0, MOST), after.split("\n").slice(0, MOST)];
  const width = b.length + 1;
  const length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i * width + j] = a[i] === b[j] ? (length[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(length[(i + 1) * width + j] ?? 0, length[i * width + j + 1] ?? 0);
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  let [gone, come]: [string[], string[]] = [[], []];
  // What went and what came stands side by side.
  const flush = () => {
    for (let n = 0; n < Math.max(gone.length, come.length); n++) pairs.push({ left: gone[n], right: come[n], same: false });
    [gone, come] = [[], []];
  };
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      flush();
      pairs.push({ left: a[i], right: b[j], same: true });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && (length[(i + 1) * width + j] ?? 0) >= (length[i * width + j + 1] ?? 0))) gone.push(a[i++] as string);
    else come.push(b[j++] as string);
  }
  flush();
  return pairs;
}
