// One trace: its steps left, the chosen one right; on a phone one below the other.

import { useParams } from "@tanstack/react-router";
import { useShortcut } from "@/app/shortcuts";
import { PageHead } from "@/components/page-head";
import { CallActions, SpanDetail, useCall } from "@/components/span/span-detail";
import { useTrace } from "@/components/span/trace";
import { TraceFigures } from "@/components/span/trace-figures";
import { TraceTree } from "@/components/span/trace-tree";
import { Answered, Empty } from "@/components/state";
import { Time } from "@/components/time";
import { useParam } from "@/state/url";

export default function Trace() {
  const { trace } = useParams({ strict: false }) as { trace: string };
  const [span, setSpan] = useParam("span");
  const path = useTrace(trace);
  const first = path.data?.steps[0];
  const selected = span || first?.span_id;
  const detail = useCall(selected);
  useShortcut("escape", "Back", () => history.back());
  return (
    <div className="flex flex-col lg:h-dvh">
      <PageHead
        title={first?.name ?? "Trace"}
        about={
          path.data ? (
            <span className="flex flex-wrap items-center gap-x-3">
              <Time at={path.data.timestamp} />
              <TraceFigures path={path.data} />
            </span>
          ) : undefined
        }
      >
        {detail.data ? <CallActions call={detail.data} /> : null}
      </PageHead>
      <Answered of={path} absent={<Empty title="There is no such trace">It was never recorded, or was pruned.</Empty>}>
        {(data) => (
          <div className="grid min-h-0 flex-1 gap-3 px-4 pb-4 lg:grid-cols-[minmax(22rem,1fr)_minmax(24rem,1fr)] lg:px-6">
            <section aria-label="Steps" className="flex max-h-[45dvh] min-h-0 flex-col overflow-hidden rounded-lg border border-line bg-panel py-1 lg:max-h-none">
              <TraceTree path={data} selected={selected} onSelect={(id) => setSpan(id)} keys className="flex-1" />
            </section>
            <section aria-label="The chosen step" className="min-h-0 overflow-auto rounded-lg border border-line bg-panel" tabIndex={0}>
              <SpanDetail of={detail} />
            </section>
          </div>
        )}
      </Answered>
    </div>
  );
}
