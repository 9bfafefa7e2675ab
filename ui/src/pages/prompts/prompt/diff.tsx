// Two versions side by side.

import { useMemo } from "react";
import { Select } from "@/components/choice";
import { cx } from "@/components/classes";
import { Empty } from "@/components/state";
import { useParam } from "@/state/url";
import { type Prompt, type Version, messagesOf } from "../api";
import { sideBySide } from "../lines";

const text = (version: Version) => messagesOf(version).map((m) => `# ${m.role === "messages" ? "the caller's messages" : m.role}\n${m.content}`).join("\n");

export function Diff({ of }: { of: Prompt }) {
  const [left, setLeft] = useParam("left", of.versions.at(-2)?.version);
  const [right, setRight] = useParam("right", of.versions.at(-1)?.version);
  const [a, b] = [of.versions.find((v) => v.version === left), of.versions.find((v) => v.version === right)];
  const pairs = useMemo(() => (a && b ? sideBySide(text(a), text(b)) : []), [a, b]);
  const options = of.versions.map((v) => [v.version, `${v.version}${v.labels.length ? ` (${v.labels.join(", ")})` : ""}`] as const);
  if (of.versions.length < 2) return <Empty title="There is only one version" />;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center gap-2">
        <Select label="Version on the left" value={left} options={options} onChange={setLeft} />
        <span className="text-muted">→</span>
        <Select label="Version on the right" value={right} options={options} onChange={setRight} />
        <span className="text-xs text-muted">{pairs.every((pair) => pair.same) ? "the same" : `${pairs.filter((pair) => !pair.same).length} lines differ`}</span>
      </div>
      <div className="relative overflow-x-auto rounded-md border border-line" tabIndex={0} role="region" aria-label="Difference">
        <table className="w-full min-w-3xl table-fixed font-mono text-xs leading-5">
          <tbody>
            {pairs.map((pair, n) => (
              <tr key={n} className="align-top">
                <td className={cx("border-r border-line px-3 whitespace-pre-wrap [overflow-wrap:anywhere]", !pair.same && pair.left !== undefined && "bg-bad-tint")}>
                  {!pair.same && pair.left !== undefined ? <span className="sr-only">taken away: </span> : null}
                  {pair.left}
                </td>
                <td className={cx("px-3 whitespace-pre-wrap [overflow-wrap:anywhere]", !pair.same && pair.right !== undefined && "bg-ok-tint")}>
                  {!pair.same && pair.right !== undefined ? <span className="sr-only">added: </span> : null}
                  {pair.right}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
