// What stands where nothing was recorded yet: a first call to paste, with this server's address in it, and it is noticed live.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, root, unwrap } from "@/api/client";
import { sessionKey } from "@/api/session";
import { Segments } from "./choice";
import { Snippet } from "./code";

const EVERY = 2_000;

// Whether anything was ever recorded; undefined while it is not known.
export function useAnyCall(): boolean | undefined {
  const queries = useQueryClient();
  const { data } = useQuery<boolean>({
    queryKey: ["any-call"],
    refetchInterval: (query) => (query.state.data === false ? EVERY : false),
    staleTime: 60_000,
    queryFn: async ({ signal }) => (await unwrap(api.GET("/api/v1/calls", { params: { query: { limit: "1", kind: ["any"] } }, signal }))).calls.length > 0,
  });
  useEffect(() => {
    if (data) void queries.invalidateQueries({ queryKey: ["stats"] });
  }, [data, queries]);
  return data;
}

type Way = "curl" | "openai" | "mlflow" | "otel";

const WAYS: readonly (readonly [Way, string])[] = [
  ["curl", "curl"],
  ["openai", "OpenAI"],
  ["mlflow", "MLflow"],
  ["otel", "OpenTelemetry"],
];

function snippet(way: Way, host: string, key: boolean): string {
  const token = key ? "YOUR_KEY" : "none-needed";
  switch (way) {
    case "curl":
      return `curl -s ${host}/v1/chat/completions -H 'content-type: application/json'${key ? " \\\n  -H 'authorization: Bearer YOUR_KEY'" : ""} \\
  -d '{"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}'`;
    case "openai":
      return `from openai import OpenAI

client = OpenAI(base_url="${host}/v1", api_key="${token}")
answer = client.chat.completions.create(
    model="demo/echo", messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)`;
    case "mlflow":
      return `import mlflow

mlflow.set_tracking_uri("${host}")${key ? "  # MLFLOW_TRACKING_TOKEN=YOUR_KEY" : ""}
mlflow.set_experiment("first")

@mlflow.trace(span_type="LLM")
def answer(question):
    return "Hello"

answer("Hello")
mlflow.flush_trace_async_logging()`;
    case "otel":
      return `export OTEL_EXPORTER_OTLP_ENDPOINT=${host}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf${key ? "\nexport OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20YOUR_KEY" : ""}
# then any program with OpenTelemetry's SDK and an instrumentation of its LLM client`;
  }
}

export function FirstCall() {
  const [way, setWay] = useState<Way>("curl");
  const host = root;
  return (
    <div className="mx-auto flex max-w-2xl flex-col gap-4 px-4 py-12">
      <h1 className="text-xl font-semibold tracking-tight">Make a first call</h1>
      <p className="text-muted">Weir is running. Every call through it is priced, recorded and counted; the built-in provider demo needs no account.</p>
      <Segments label="Client" value={way} options={WAYS} onChange={setWay} />
      <Snippet text={snippet(way, host, sessionKey() !== null)} />
      <p role="status" className="flex items-center gap-2 text-muted">
        <span aria-hidden className="relative flex size-2">
          <span className="absolute inline-flex size-full animate-ping rounded-full bg-accent opacity-60" />
          <span className="relative inline-flex size-2 rounded-full bg-accent" />
        </span>
        Waiting for it; this page shows it as it comes.
      </p>
    </div>
  );
}
