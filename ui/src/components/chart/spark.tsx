// A small line without axes, for a tile or a cell.

import { cx } from "../classes";

export function Spark({ values, className, label }: { values: readonly (number | null)[]; className?: string; label?: string }) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return <div className={cx("h-8", className)} aria-hidden />;
  const most = Math.max(...known, Number.MIN_VALUE);
  const x = (n: number) => ((n / (values.length - 1)) * 100).toFixed(2);
  const y = (v: number) => (30 - (v / most) * 28).toFixed(2);
  let path = "";
  let pen = false;
  values.forEach((value, n) => {
    if (value === null) pen = false;
    else {
      path += `${pen ? "L" : "M"}${x(n)} ${y(value)}`;
      pen = true;
    }
  });
  return (
    <svg viewBox="0 0 100 32" preserveAspectRatio="none" className={cx("h-8 w-full text-accent", className)} role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
    </svg>
  );
}
