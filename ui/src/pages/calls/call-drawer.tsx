// A call over the list: its trace above, the chosen step below.

import { Link } from "@tanstack/react-router";
import { Maximize2 } from "lucide-react";
import { useEffect } from "react";
import { buttonClass } from "@/components/button";
import { Drawer } from "@/components/drawer";
import { Hint } from "@/components/hint";
import { CallActions, SpanDetail, callTitle, useCall } from "@/components/span/span-detail";
import { useTrace } from "@/components/span/trace";
import { TraceFigures } from "@/components/span/trace-figures";
import { TraceTree } from "@/components/span/trace-tree";
import { useParam } from "@/state/url";

export function CallDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const [span, setSpan] = useParam("span");
  const opened = useCall(id);
  const chosen = useCall(span || id);
  const trace = useTrace(opened.data?.trace_id);
  const steps = trace.data?.steps.length ?? 0;
  const selected = span || opened.data?.span_id;
  // Another row: its own step.
  useEffect(() => () => setSpan(undefined), [id, setSpan]);
  return (
    <Drawer
      open
      onClose={onClose}
      label="Call"
      title={opened.data ? callTitle(opened.data) : "Call"}
      actions={
        <>
          {chosen.data ? <CallActions call={chosen.data} /> : null}
          {opened.data ? (
            <Hint text="Open the trace as a page">
              <Link to="/traces/$trace" params={{ trace: opened.data.trace_id }} search={{ span: selected }} aria-label="Open the trace as a page" className={buttonClass({ kind: "quiet", size: "icon" })}>
                <Maximize2 aria-hidden />
              </Link>
            </Hint>
          ) : null}
        </>
      }
    >
      {trace.data && steps > 1 ? (
        <section aria-label="Trace" className="border-b border-line pb-1">
          <div className="flex items-center gap-3 px-4 pt-2 pb-1">
            <h3 className="text-xs font-medium text-muted">Trace</h3>
            <TraceFigures path={trace.data} />
          </div>
          <TraceTree path={trace.data} selected={selected} onSelect={setSpan} className="max-h-56" />
        </section>
      ) : null}
      <SpanDetail of={chosen} />
    </Drawer>
  );
}
