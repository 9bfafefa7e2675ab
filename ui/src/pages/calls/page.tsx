// Every call, trace and step: found, narrowed down, watched as it comes, opened.

import { ListFilter, Radio } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { Call } from "@/api/client";
import { Status } from "@/components/badge";
import { Button } from "@/components/button";
import { Segments } from "@/components/choice";
import { cx } from "@/components/classes";
import { FilterBar } from "@/components/filter/filter-bar";
import { useObserved } from "@/components/filter/observed";
import { FirstCall, useAnyCall } from "@/components/first-call";
import { Modal } from "@/components/modal";
import { useNarrow } from "@/components/narrow";
import { PageHead } from "@/components/page-head";
import { Empty, Failed, Waiting } from "@/components/state";
import { ColumnChooser, useColumns } from "@/components/table/columns";
import { Table } from "@/components/table/table";
import { TwoLines } from "@/components/table/two-lines";
import { Time } from "@/components/time";
import { TimeRangePicker } from "@/components/time-range";
import { useShortcut } from "@/app/shortcuts";
import { count, dollars, millis } from "@/format/number";
import { moment } from "@/format/time";
import { toParams, toggle } from "@/state/query";
import { useRange } from "@/state/range";
import { useStored } from "@/state/stored";
import { useUrl } from "@/state/url";
import { CallDrawer } from "./call-drawer";
import { COLUMNS } from "./columns";
import { Facets } from "./facets";
import { Histogram } from "./histogram";
import { type View, useCalls, useLive, viewParams } from "./list";
import { Views } from "./views";

const VIEWS = [
  ["calls", "Calls"],
  ["traces", "Traces"],
  ["steps", "All steps"],
] as const;
const TONES: Record<string, string> = { error: "bg-bad-tint/40", rate_limited: "bg-bad-tint/40", blocked: "bg-bad-tint/40" };
const rowKey = (call: Call) => call.span_id;
const rowTone = (call: Call) => TONES[call.status ?? ""];

export default function Calls() {
  const [search, set] = useUrl();
  const { range, setRange, every } = useRange();
  const [q, order] = [search.q ?? "", search.order ?? "-time"];
  const view = (VIEWS.find(([name]) => name === search.view)?.[0] ?? "calls") as View;
  const live = search.live === "on";
  const asked = useMemo(() => toParams(q), [q]);
  const params = useMemo(() => viewParams(view, asked.params), [view, asked.params]);
  const wrong = asked.problems.length > 0;
  const figures = useMemo(() => view === "calls" && toParams(q, true).problems.length === 0, [q, view]);
  const any = useAnyCall();
  const { observed, ask } = useObserved(range);
  const [shown, setShown] = useColumns("calls", COLUMNS);
  const [sidebar, setSidebar] = useStored("facets", true);
  const [sheet, setSheet] = useState(false);
  const narrow = useNarrow();
  const [top, setTop] = useState(true);

  const list = useCalls(params, range, order, live ? false : every, wrong);
  const tail = useLive(params, live && !wrong, !top);
  const rows = useMemo(() => {
    if (!tail.shown.length) return list.calls;
    const fresh = new Set(tail.shown.map((call) => call.id));
    return [...tail.shown, ...list.calls.filter((call) => !fresh.has(call.id))];
  }, [list.calls, tail.shown]);

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const filter = (text: string) => set({ q: text || undefined }, { push: true });
  const open = useCallback((call: Call) => set({ open: call.span_id, span: undefined }, { push: search.open === undefined }), [set, search.open]);
  const close = useCallback(() => set({ open: undefined, span: undefined, tab: undefined }), [set]);
  const brush = useCallback((from: number, to: number) => setRange(new Date(from).toISOString(), new Date(to).toISOString()), [setRange]);
  const flipLive = () => set({ live: live ? undefined : "on", order: undefined, ...(live ? {} : { to: undefined }) });
  useShortcut("l", "Live tail", flipLive);
  useShortcut("f", "Facets", () => setSidebar(!sidebar));
  // The key `f` hides what a wide page shows beside the list; a narrow one opens it over the list.
  const facets = <Facets params={params} range={range} q={q} every={every} onToggle={(key, value, not) => filter(toggle(q, key, value, not))} />;

  if (any === false) return <FirstCall />;
  const searching = list.searchedTo && !list.isFetching;
  const foot = (
    <div className="flex items-center justify-center gap-3 p-3 text-xs text-muted">
      {list.isFetchingNextPage ? "Reading on…" : null}
      {searching ? (
        <>
          Searched back to {moment(list.searchedTo ?? 0)}.
          <Button size="sm" onClick={() => void list.fetchNextPage()}>
            Search further
          </Button>
        </>
      ) : null}
      {!list.hasNextPage && rows.length > 20 ? "The end of this range." : null}
    </div>
  );
  return (
    <div className="flex h-[calc(100dvh-3rem)] flex-col lg:h-dvh">
      <PageHead title="Calls">
        <Button aria-pressed={live} onClick={flipLive} className={cx(live && "border-accent text-accent")}>
          <Radio aria-hidden className={cx(live && tail.state === "live" && "animate-pulse")} />
          {live ? (tail.state === "broken" ? "Reconnecting" : "Live") : "Live tail"}
        </Button>
        <TimeRangePicker />
      </PageHead>
      <div className="flex flex-wrap items-start gap-2 px-4 pb-2 lg:px-6">
        <FilterBar className="min-w-56 flex-1" value={q} onChange={filter} observed={observed} onFocus={ask} problems={asked.problems} />
        <div className="flex flex-wrap items-center gap-1.5 sm:h-8">
          <Segments label="Show" value={view} options={VIEWS} onChange={(name) => set({ view: name === "calls" ? undefined : name })} />
          <Button size="sm" aria-pressed={narrow ? sheet : sidebar} onClick={() => (narrow ? setSheet(true) : setSidebar(!sidebar))}>
            <ListFilter aria-hidden /> Facets
          </Button>
          <Views search={search} onOpen={(next) => set(next, { push: true })} />
          {narrow ? null : <ColumnChooser columns={COLUMNS} shown={shown} onChange={setShown} />}
        </div>
      </div>
      <div className="mx-4 mb-4 flex min-h-0 flex-1 overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        {sidebar && !narrow ? <aside aria-label="Facets" className={cx("w-52 shrink-0 overflow-y-auto border-r border-line px-1 py-1", search.open && "hidden 2xl:block")}>{facets}</aside> : null}
        <div className="relative flex min-w-0 flex-1 flex-col" aria-busy={list.isFetching || undefined}>
          {figures && !narrow ? <Histogram range={range} q={q} every={every} onBrush={brush} /> : null}
          {live && tail.refusal ? <Failed error={new Error(tail.refusal)} className="m-2" /> : null}
          {list.error && list.data ? <Failed error={list.error} className="m-2" /> : null}
          {tail.waiting ? (
            <Button kind="primary" size="sm" className="absolute top-28 left-1/2 z-20 -translate-x-1/2 rounded-full shadow-md" onClick={tail.letIn}>
              {count(tail.waiting)} new
            </Button>
          ) : null}
          {wrong ? (
            <Empty title="The filter cannot be read">{asked.problems[0]?.message}</Empty>
          ) : list.error && !list.data ? (
            <Failed error={list.error} again={list.refetch} className="m-4" />
          ) : list.isPending ? (
            <Waiting lines={12} />
          ) : rows.length === 0 && !list.isFetching ? (
            <Empty title={q ? "Nothing matches" : "Nothing in this range"} className="flex-1">
              <p>{list.searchedTo ? `Searched back to ${moment(list.searchedTo)}.` : "A longer range or fewer conditions may find more."}</p>
              <div className="flex gap-2">
                {list.hasNextPage ? <Button onClick={() => void list.fetchNextPage()}>Search further</Button> : null}
                {q ? <Button onClick={() => filter("")}>Clear the filter</Button> : null}
                <Button onClick={() => setRange("-30d")}>Last 30 days</Button>
              </div>
            </Empty>
          ) : (
            <Table
              label="Calls"
              columns={COLUMNS}
              shown={shown}
              rows={rows}
              rowKey={rowKey}
              open={search.open}
              onOpen={open}
              order={order}
              onOrder={live ? undefined : (next) => set({ order: next === "-time" ? undefined : next })}
              onEnd={more}
              tone={rowTone}
              onTop={setTop}
              foot={foot}
              narrow={NarrowRow}
            />
          )}
        </div>
      </div>
      {search.open ? <CallDrawer id={search.open} onClose={close} /> : null}
      <Modal open={sheet} onOpen={setSheet} title="Facets">
        {facets}
      </Modal>
    </div>
  );
}

function NarrowRow(call: Call) {
  return (
    <TwoLines lead={<Status status={call.status} />} title={call.model ?? call.name ?? call.kind} right={<Time at={call.timestamp} />}>
      <span>{millis(call.latency_ms)}</span>
      <span>{count(call.tokens?.total)} tok</span>
      <span>{dollars(call.cost_usd)}</span>
      <span>{call.department}</span>
    </TwoLines>
  );
}
