import { type Moment, ago, moment, utc } from "@/format/time";

// A point in time in the viewer's zone; UTC in the hover.
export function Time({ at, relative, className }: { at: Moment | null | undefined; relative?: boolean; className?: string }) {
  if (at === null || at === undefined) return <span className="text-muted">–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={`${moment(at)} · ${utc(at)}`} className={className}>
      {relative ? ago(at) : moment(at)}
    </time>
  );
}
