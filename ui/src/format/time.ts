// Times in the viewer's zone; UTC stands in the hover.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export type Moment = string | number | Date;

export const utc = (at: Moment) => new Date(at).toISOString().replace("T", " ").replace(/(\.\d{3})?Z$/, (_, ms) => `${ms ?? ""} UTC`);

// `14:03:22` today, `12 Nov 14:03:22` before, with the year when it is another one.
export function moment(at: Moment, now: Moment = Date.now()): string {
  const [date, today] = [new Date(at), new Date(now)];
  if (date.toDateString() === today.toDateString()) return clock.format(date);
  return `${(date.getFullYear() === today.getFullYear() ? day : year).format(date)} ${clock.format(date)}`;
}

export const dayAndTime = (at: Moment) => `${day.format(new Date(at))} ${short.format(new Date(at))}`;

const STEPS = [
  [60_000, 1_000, "s"],
  [3_600_000, 60_000, "min"],
  [86_400_000 * 2, 3_600_000, "h"],
  [Number.POSITIVE_INFINITY, 86_400_000, "d"],
] as const;

// `just now`, `3 min ago`, `in 2 h`.
export function ago(at: Moment, now: Moment = Date.now()): string {
  const ms = new Date(now).getTime() - new Date(at).getTime();
  const size = Math.abs(ms);
  if (size < 5_000) return "just now";
  const [, width, unit] = STEPS.find(([below]) => size < below) ?? STEPS[3];
  const text = `${Math.floor(size / width)} ${unit}`;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}
