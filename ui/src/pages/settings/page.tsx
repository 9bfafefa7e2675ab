// How the server and its parts are doing, what it can reach, and how programs reach it.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import type { ReactNode } from "react";
import { toast } from "sonner";
import { Refused, type Schema, api, json, post, root, unwrap } from "@/api/client";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Snippet } from "@/components/code";
import { PageHead } from "@/components/page-head";
import { Panel } from "@/components/panel";
import { Answered, Empty } from "@/components/state";
import { Tabs } from "@/components/tabs";
import { Time } from "@/components/time";
import { bytes, count, dollars, millis, percent } from "@/format/number";
import { useParam } from "@/state/url";

type Status = Schema["StatusAnswer"];
type Channel = { name: string; kind: string; to: string; waiting: number; last_delivered: string | null; given_up: number; error: string | null; last_test: { at: string; ok: boolean; said: string; current: boolean } | null };

const EVERY = 15_000;

export default function Settings() {
  const [tab, setTab] = useParam("tab", "connect");
  const status = useQuery({ queryKey: ["status"], refetchInterval: EVERY, queryFn: ({ signal }) => unwrap(api.GET("/api/v1/status", { signal })) });
  return (
    <>
      <PageHead
        title="Server"
        about={
          status.data ? (
            <>
              Weir {status.data.version}, since <Time at={status.data.started} />
            </>
          ) : undefined
        }
      >
        {status.data?.ready === undefined || status.data.ready === null ? null : <Badge tone={status.data.ready ? "ok" : "bad"}>{status.data.ready ? "takes requests" : "takes no requests"}</Badge>}
      </PageHead>
      <div className="px-4 pb-8 lg:px-6">
        <Panel>
          <Tabs
            label="Parts of the server"
            value={tab}
            onChange={setTab}
            tabs={[
              { name: "connect", title: "Connect", content: <Connect /> },
              { name: "models", title: "Models", content: <Models /> },
              { name: "health", title: "Health", content: <Answered of={status}>{(data) => <Health of={data} />}</Answered> },
              { name: "channels", title: "Channels", content: <Channels /> },
            ]}
          />
        </Panel>
      </div>
    </>
  );
}

function Connect() {
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Snippet text={`from openai import OpenAI\n\nclient = OpenAI(base_url="${root}/v1", api_key="…")`}>OpenAI's client, in Python</Snippet>
      <Snippet text={`curl -s ${root}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '{"model": "demo/echo", "messages": [{"role": "user", "content": "hello"}]}'`}>Any program: the built-in demo model answers without a provider</Snippet>
      <Snippet text={`export MLFLOW_TRACKING_URI=${root}`}>MLflow: runs, models, prompts and traces of its unmodified client</Snippet>
      <Snippet text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${root}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`}>OpenTelemetry: spans of any instrumentation</Snippet>
      <Snippet text={`from anthropic import Anthropic\n\nclient = Anthropic(base_url="${root}", api_key="…")`}>Anthropic's client</Snippet>
      <Snippet text={`scrape_configs:\n  - job_name: weir\n    static_configs:\n      - targets: ["${new URL(root).host}"]`}>Prometheus</Snippet>
    </div>
  );
}

function Models() {
  const found = useQuery({ queryKey: ["models", "all"], queryFn: async ({ signal }) => (await json<{ data: { id: string; owned_by: string }[] }>("/v1/models", {}, { signal })).data });
  return (
    <Answered of={found}>
      {(models) => {
        const providers = [...new Set(models.map((m) => m.owned_by))].sort();
        if (!providers.length) return <Empty title="No provider lists a model" />;
        return (
          <dl className="flex flex-col gap-4">
            {providers.map((provider) => (
              <div key={provider}>
                <dt className="pb-1 font-semibold">{provider}</dt>
                <dd className="flex flex-wrap gap-1.5">
                  {models
                    .filter((m) => m.owned_by === provider)
                    .map((m) => (
                      <Badge key={m.id} className="font-mono">
                        {m.id}
                      </Badge>
                    ))}
                </dd>
              </div>
            ))}
          </dl>
        );
      }}
    </Answered>
  );
}

function Health({ of }: { of: Status }) {
  const { cache, journal, batches, exporters, budgets } = of;
  return (
    <div className="flex flex-col gap-6">
      {of.problems.length ? (
        <ul className="flex flex-col gap-1 rounded-md bg-bad-tint px-3 py-2 text-bad">
          {of.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      ) : null}
      <div className="grid gap-6 sm:grid-cols-2 xl:grid-cols-3">
        <Facts title="Record">
          <Fact name="Waits to be stored" value={bytes(journal?.backlog_bytes ?? null)} />
          <Fact name="Calls lost" value={count(journal?.calls_lost ?? null)} bad={Boolean(journal?.calls_lost)} />
          <Fact name="Batches that run" value={count(batches?.running ?? null)} />
          <Fact name="Requests that wait" value={count(batches?.queued_requests ?? null)} />
        </Facts>
        <Facts title="Cache">
          {cache ? (
            <>
              <Fact name="Answers" value={`${count(cache.entries)} (${bytes(cache.bytes)})`} />
              <Fact name="Hits" value={`${count(cache.hits + cache.semantic_hits)} of ${count(cache.hits + cache.semantic_hits + cache.misses)}`} />
              <Fact name="Saved" value={`${dollars(cache.saved_usd)}, ${millis(cache.saved_seconds * 1_000)}`} />
            </>
          ) : (
            <p className="text-muted">Nothing is cached: [cache] is off.</p>
          )}
        </Facts>
        <Facts title="Limits with a budget">
          {budgets.length ? (
            budgets.map((b) => <Fact key={`${b.label}${b.value}${b.period}`} name={`${b.label} ${b.value}, a ${b.period}`} value={`${dollars(b.left_usd)} left of ${dollars(b.limit_usd)} (${percent(b.left_usd / b.limit_usd)})`} bad={b.state === "spent"} />)
          ) : (
            <p className="text-muted">None: [[limits]] and budgets of [[keys]] stand in the configuration.</p>
          )}
        </Facts>
        {exporters.map((exporter) => (
          <Facts key={exporter.target} title={`Export to ${exporter.target}`}>
            <Fact name="State" value={exporter.state ?? "–"} bad={exporter.state === "retrying"} />
            <Fact name="Where" value={exporter.uri ?? "–"} />
            <Fact name="Waits" value={`${count(exporter.lag_records)} calls, ${millis(exporter.lag_seconds * 1_000)}`} />
            <Fact name="Taken" value={count(exporter.exported ?? null)} />
            {exporter.last_error ? <Fact name="Last failure" value={exporter.last_error} bad /> : null}
          </Facts>
        ))}
      </div>
    </div>
  );
}

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <h3 className="pb-1 font-semibold">{title}</h3>
      <dl className="flex flex-col gap-0.5">{children}</dl>
    </section>
  );
}

function Fact({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="shrink-0 text-muted">{name}</dt>
      <dd className={`num min-w-0 text-right [overflow-wrap:anywhere] ${bad ? "font-medium text-bad" : ""}`}>{value}</dd>
    </div>
  );
}

function Channels() {
  const found = useQuery({ queryKey: ["channels", "all"], retry: false, refetchInterval: EVERY, queryFn: async ({ signal }) => (await json<{ channels: Channel[] }>("/api/v1/channels", {}, { signal })).channels });
  if (found.error instanceof Refused && found.error.status === 404) return <Empty title="This server has no channels" />;
  return (
    <Answered of={found}>
      {(channels) =>
        channels.length ? (
          <ul className="divide-y divide-line/60">
            {channels.map((channel) => (
              <ChannelLine key={channel.name} channel={channel} />
            ))}
          </ul>
        ) : (
          <Empty title="No channel is configured">
            <div className="w-full max-w-xl">
              <Snippet text={'[[channels]]\nname = "ops"\nkind = "slack"\nurl = "env:SLACK_WEBHOOK"'}>In weir.toml</Snippet>
            </div>
          </Empty>
        )
      }
    </Answered>
  );
}

function ChannelLine({ channel }: { channel: Channel }) {
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () => post<{ ok?: boolean; said?: string }>(`/api/v1/channels/${encodeURIComponent(channel.name)}/test`, {}),
    onSuccess: async (said) => {
      await client.invalidateQueries({ queryKey: ["channels"] });
      if (said.ok === false) toast.error(`${channel.name}: ${said.said ?? "it was not taken"}`);
      else toast.success(`${channel.name} took the test`);
    },
    onError: (error) => toast.error(error.message),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
      <span className="w-32 font-medium">{channel.name}</span>
      <Badge>{channel.kind}</Badge>
      <span className="min-w-0 flex-1 truncate text-muted">{channel.to}</span>
      {channel.error ? (
        <Badge tone="bad" title={channel.error}>
          {channel.waiting} wait
        </Badge>
      ) : channel.last_test?.ok && channel.last_test.current ? (
        <Badge tone="ok">tested</Badge>
      ) : (
        <Badge tone="warn">not tested</Badge>
      )}
      <span className="text-xs text-muted">
        last told <Time at={channel.last_delivered} relative />
      </span>
      <Button size="sm" disabled={test.isPending} onClick={() => test.mutate()}>
        <Send aria-hidden /> Test
      </Button>
    </li>
  );
}
