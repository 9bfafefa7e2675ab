// Which ways requests take through a workflow, and what changed in it.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type Schema, api, unwrap } from "@/api/client";
import { Segments, Select } from "@/components/choice";
import { NextStep, whileEmpty } from "@/components/next-step";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { TimeRangePicker } from "@/components/time-range";
import { dayAndTime } from "@/format/time";
import { count } from "@/format/number";
import { bucketOf, useRange } from "@/state/range";
import { useParam } from "@/state/url";
import { Decisions } from "./decisions";
import { Graph } from "./graph";
import { Tools } from "./tools";

const shownName = (name: string) => (name === "-" ? "without a name" : name);

export default function Workflows() {
  const { range, every } = useRange();
  const [asked, setName] = useParam("workflow");
  const [open, setOpen] = useParam("edge");
  const list = useQuery<Schema["WorkflowList"]>({
    queryKey: ["workflows", range.key],
    refetchInterval: (query) => whileEmpty<Schema["WorkflowList"]>((data) => !data.workflows.length)(query) || every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => unwrap(api.GET("/api/v1/workflows", { params: { query: range.query() }, signal })),
  });
  const names = [...new Set(list.data?.workflows.map((w) => w.name ?? "-"))];
  const name = asked || names[0];
  const graph = useQuery({
    queryKey: ["workflow", name, range.key, "series"],
    enabled: name !== undefined,
    refetchInterval: every,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const query = { ...range.query(), bucket: bucketOf(range.length).text };
      return unwrap(api.GET("/api/v1/workflows/{name}", { params: { path: { name: name ?? "-" }, query }, signal }));
    },
  });
  const choose = (key: string) => setOpen(key === open ? undefined : key);
  const pick = (next: string) => setName(next, { push: true });
  return (
    <>
      <PageHead title="Workflows" about={graph.data ? `against the time from ${dayAndTime(graph.data.before_from)} to ${dayAndTime(graph.data.from)}` : undefined}>
        {name && names.length > 1 ? (
          names.length <= 3 ? (
            <Segments label="Workflow" value={name} options={names.map((n) => [n, shownName(n)] as const)} onChange={pick} />
          ) : (
            <Select label="Workflow" value={name} options={names.map((n) => [n, shownName(n)] as const)} onChange={pick} />
          )
        ) : null}
        <TimeRangePicker />
      </PageHead>
      <div className="flex flex-col gap-3 px-4 pb-8 lg:px-6">
        <Answered of={list}>
          {() =>
            name === undefined ? (
              <Panel>
                <Nothing />
              </Panel>
            ) : (
              <Answered of={graph}>
                {(data) => (
                  <>
                    <Panel title={shownName(name)} about={`${count(data.decisions)} decisions, ${count(data.decisions_before)} before`} busy={graph.isFetching}>
                      {data.nodes.length ? <Graph data={data} open={open} onOpen={choose} /> : <Empty title="No decisions in this range" />}
                    </Panel>
                    {data.edges.length ? (
                      <Panel
                        title="Decisions"
                        about={`“higher” and “lower” are more than chance at ${data.test.level * 100} % over ${data.test.comparisons} comparisons`}
                      >
                        <Decisions data={data} workflow={name} open={open} onOpen={choose} />
                      </Panel>
                    ) : null}
                    <div className="grid gap-3 2xl:grid-cols-2">
                      <Panel title="Tools">
                        <Tools tools={data.tools} kind="tool" label="Tools" />
                      </Panel>
                      <Panel title="Retrievers">
                        <Tools tools={data.retrievers} kind="retriever" label="Retrievers" />
                      </Panel>
                    </div>
                  </>
                )}
              </Answered>
            )
          }
        </Answered>
      </div>
    </>
  );
}

function Nothing() {
  return (
    <NextStep title="No workflow in this range" step="workflow" how="A first decision, over the API">
      A workflow is what its steps say: spans of kind branch, tool and retriever with the attribute <code className="font-mono text-xs">workflow</code>, from the Python library, OpenTelemetry or the API.
    </NextStep>
  );
}
