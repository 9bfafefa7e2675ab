// The range of time of a page: presets, or two points in time; and how often it is looked at anew.

import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import { CalendarClock, ChevronDown, RefreshCw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useShortcut } from "@/app/shortcuts";
import { dayAndTime, zone } from "@/format/time";
import { PRESETS, type TimeRange, useRange } from "@/state/range";
import { Button, IconButton } from "./button";
import { Field, Select } from "./choice";
import { cx } from "./classes";
import { Pop } from "./menu";

const REFRESH = [
  ["10", "every 10 s"],
  ["30", "every 30 s"],
  ["60", "every minute"],
  ["300", "every 5 min"],
  ["off", "off"],
] as const;

export function rangeName(range: TimeRange): string {
  const preset = PRESETS.find(([from]) => from === range.from && !range.to);
  if (preset) return `Last ${preset[1]}`;
  const { from, to } = range.at();
  return range.to ? `${dayAndTime(from)} – ${dayAndTime(to)}` : `Since ${dayAndTime(from)}`;
}

// As an input of type datetime-local takes it, in the viewer's zone.
const local = (at: number) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

export function TimeRangePicker() {
  const { range, setRange, refresh, setRefresh } = useRange();
  const [open, setOpen] = useState(false);
  const queries = useQueryClient();
  const fetching = useIsFetching() > 0;
  const again = () => void queries.invalidateQueries();
  useShortcut("r", "Refresh", again);
  const choose = (from: string, to?: string) => {
    setRange(from, to);
    setOpen(false);
  };
  const give = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const [from, to] = [String(data.get("from")), String(data.get("to"))].map((text) => new Date(text));
    if (from && to && from < to) choose(from.toISOString(), to.toISOString());
  };
  const { from, to } = range.at();
  return (
    <div className="flex items-center gap-1">
      <Pop
        label="Range of time"
        className="w-80"
        open={open}
        onOpen={setOpen}
        trigger={
          <Button>
            <CalendarClock aria-hidden />
            {rangeName(range)}
            <ChevronDown aria-hidden className="text-muted" />
          </Button>
        }
      >
        <div className="grid grid-cols-2 gap-1">
          {PRESETS.map(([preset, name]) => (
            <Button key={preset} kind="quiet" size="sm" className={cx("justify-start", preset === range.from && !range.to && "bg-tint text-accent")} onClick={() => choose(preset)}>
              Last {name}
            </Button>
          ))}
        </div>
        <form onSubmit={give} className="mt-2 flex flex-col gap-2 border-t border-line pt-2">
          <label className="flex flex-col gap-1 text-xs text-muted">
            From
            <Field name="from" type="datetime-local" required defaultValue={local(from)} />
          </label>
          <label className="flex flex-col gap-1 text-xs text-muted">
            To
            <Field name="to" type="datetime-local" required defaultValue={local(to)} />
          </label>
          <div className="flex items-center justify-between gap-2">
            <span className="truncate text-xs text-muted">{zone}</span>
            <Button kind="primary" size="sm" type="submit">
              Apply
            </Button>
          </div>
        </form>
        <label className="mt-2 flex items-center justify-between border-t border-line pt-2 text-xs text-muted">
          Refresh
          <Select label="Refresh" value={range.moves ? refresh : "off"} options={REFRESH} onChange={setRefresh} />
        </label>
      </Pop>
      <IconButton name="Refresh" keys="r" kind="plain" onClick={again}>
        <RefreshCw aria-hidden className={fetching ? "animate-spin" : undefined} />
      </IconButton>
    </div>
  );
}
