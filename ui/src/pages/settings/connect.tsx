// How programs reach this server, ready to paste.

import { root } from "@/api/client";
import { sessionKey } from "@/api/session";
import { Segments } from "@/components/choice";
import { Snippet } from "@/components/code";
import { WAYS, type Way, snippet } from "@/components/first-calls";
import { useParam } from "@/state/url";

export function Connect() {
  const [way, setWay] = useParam("way", "openai");
  const key = sessionKey() !== null;
  return (
    <div className="grid gap-x-6 gap-y-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <section className="flex min-w-0 flex-col gap-2">
        <h3 className="font-semibold">A whole first call</h3>
        <div className="overflow-x-auto">
          <Segments label="Client" value={way as Way} options={WAYS} onChange={setWay} />
        </div>
        <Snippet text={snippet(way as Way, root, key)}>{key ? "Put a key of your own in place of YOUR_KEY." : "It works as it stands: no key is needed on this machine, and the model demo/echo needs no provider."}</Snippet>
      </section>
      <section className="flex min-w-0 flex-col gap-3">
        <h3 className="font-semibold">What programs that run already set</h3>
        <Snippet text={`export OPENAI_BASE_URL=${root}/v1`}>OpenAI's clients, and what is built on them</Snippet>
        <Snippet text={`export ANTHROPIC_BASE_URL=${root}`}>Anthropic's client</Snippet>
        <Snippet text={`export MLFLOW_TRACKING_URI=${root}`}>MLflow: runs, models, prompts and traces</Snippet>
        <Snippet text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${root}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`}>OpenTelemetry: spans of any instrumentation</Snippet>
        <Snippet text={`scrape_configs:\n  - job_name: weir\n    static_configs:\n      - targets: ["${new URL(root).host}"]`}>Prometheus</Snippet>
      </section>
    </div>
  );
}
