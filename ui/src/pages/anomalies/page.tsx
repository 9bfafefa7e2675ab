// What changed, since when and why.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { Segments } from "@/components/choice";
import { FirstCall, useAnyCall } from "@/components/first-call";
import { PageHead } from "@/components/page-head";
import { Answered, Empty } from "@/components/state";
import { ColumnChooser, useColumns } from "@/components/table/columns";
import { Table } from "@/components/table/table";
import { TimeRangePicker } from "@/components/time-range";
import { useRange } from "@/state/range";
import { useParam } from "@/state/url";
import { Detail } from "./detail";
import { COLUMNS, narrowRow } from "./list";

const MOST = "500";
const SHOWN = [
  ["all", "All"],
  ["firing", "Going on"],
  ["rule", "Rules"],
] as const;

export default function Anomalies() {
  const { range, every } = useRange();
  const [show, setShow] = useParam("show", "all");
  const [open, setOpen] = useParam("open");
  const [columns, setColumns] = useColumns("anomalies", COLUMNS);
  const found = useQuery({
    queryKey: ["anomalies", range.key, show],
    refetchInterval: every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const { from, to } = range.query();
      // What goes on is shown whenever it began.
      const when = show === "firing" ? {} : { since: from, until: to };
      const which = show === "firing" ? { state: "firing" } : show === "rule" ? { kind: ["rule"] } : {};
      return unwrap(api.GET("/api/v1/anomalies", { params: { query: { ...when, ...which, limit: MOST, wait: "0s" } }, signal }));
    },
  });
  const any = useAnyCall();
  const watch = found.data?.watch;
  const about = watch?.enabled === false ? "not looked for: watch.enabled is off" : watch && !watch.complete ? "some of the past is still being judged" : watch ? `${watch.projects} ${watch.projects === 1 ? "project is" : "projects are"} watched${watch.learning ? `, ${watch.learning} still learning` : ""}` : undefined;
  const listed = found.data?.anomalies ?? [];
  if (any === false) return <FirstCall about="What calls usually cost and take is learned from them, and what is unusual shows here" />;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHead title="Anomalies" about={about}>
        <Segments label="Show" value={show} options={SHOWN} onChange={(value) => setShow(value, { push: true })} />
        <ColumnChooser columns={COLUMNS} shown={columns} onChange={setColumns} />
        <TimeRangePicker />
      </PageHead>
      <div className="mx-4 mb-4 flex min-h-80 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-panel lg:mx-6">
        <Answered of={found}>
          {(data) =>
            data.anomalies.length ? (
              <Table label="Anomalies" narrow={narrowRow} columns={COLUMNS} shown={columns} rows={data.anomalies} rowKey={(a) => a.id} open={open || undefined} onOpen={(a) => setOpen(a.id, { push: open === "" })} />
            ) : (
              <Empty title={show === "firing" ? "Nothing unusual goes on" : "Nothing unusual in this range"}>
                <p className="max-w-prose">
                  {data.watch.enabled
                    ? "Cost, tokens, latency, errors, cache hits, volume and branches of every project are judged every five minutes against their own past. Nothing has to be set up."
                    : "The watch is off: set watch.enabled."}
                </p>
              </Empty>
            )
          }
        </Answered>
      </div>
      <Detail key={open} id={open} known={listed.find((a) => a.id === open)} onClose={() => setOpen(undefined)} />
    </div>
  );
}
