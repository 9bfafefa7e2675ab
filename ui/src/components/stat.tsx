import { ArrowDownRight, ArrowRight, ArrowUpRight } from "lucide-react";
import type { ReactNode } from "react";
import { percent } from "@/format/number";
import { Spark } from "./chart/spark";
import { cx } from "./classes";

type Props = {
  name: string;
  value: ReactNode;
  // 0.12 is 12 % more than before; undefined where there is nothing to compare with.
  change?: number;
  // What a rise is. Colours mean good and bad, so where a rise is neither there is none.
  rise?: "good" | "bad" | "neither";
  before?: ReactNode;
  title?: string;
  series?: readonly (number | null)[];
};

// A key figure, against what it was before.
export function Stat({ name, value, change, rise = "neither", before, title, series }: Props) {
  const still = change !== undefined && Math.abs(change) < 0.005;
  const Arrow = change === undefined || still ? ArrowRight : change > 0 ? ArrowUpRight : ArrowDownRight;
  const good = change !== undefined && !still && rise !== "neither" ? (change > 0) === (rise === "good") : undefined;
  return (
    <div className="flex min-w-0 flex-col gap-0.5 px-4 py-3" title={title}>
      <p className="truncate text-xs text-muted">{name}</p>
      <p className="num truncate text-xl leading-7 font-semibold tracking-tight">{value}</p>
      <p className={cx("flex min-h-4 items-center gap-1 text-xs text-muted", good === true && "text-ok", good === false && "text-bad")}>
        {change === undefined ? (
          <span className="text-muted">{before ?? "nothing to compare"}</span>
        ) : (
          <>
            <Arrow className="size-3.5 shrink-0" aria-hidden />
            <span className="num whitespace-nowrap">
              {still ? "no change" : `${change > 0 ? "+" : "−"}${change > 9.99 ? ">999 %" : percent(Math.abs(change))}`}
            </span>
            {before ? <span className="truncate text-muted">{before}</span> : null}
          </>
        )}
      </p>
      {series ? <Spark values={series} className="mt-1" /> : null}
    </div>
  );
}
