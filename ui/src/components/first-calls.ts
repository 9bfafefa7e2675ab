// Whole programs that make a first call, to paste as they stand. Pure.

export type Way = "curl" | "openai" | "mlflow" | "otel";

export const WAYS: readonly (readonly [Way, string])[] = [
  ["curl", "curl"],
  ["openai", "OpenAI"],
  ["mlflow", "MLflow"],
  ["otel", "OpenTelemetry"],
];

// `host` is this server; `key`: whether it asks for one.
export function snippet(way: Way, host: string, key: boolean): string {
  switch (way) {
    case "curl":
      return `curl -s ${host}/v1/chat/completions \\
  -H 'content-type: application/json'${key ? " \\\n  -H 'authorization: Bearer YOUR_KEY'" : ""} \\
  -d '{"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}'`;
    case "openai":
      return `# pip install openai
from openai import OpenAI

client = OpenAI(base_url="${host}/v1", api_key="${key ? "YOUR_KEY" : "none-needed"}")
answer = client.chat.completions.create(
    model="demo/echo", messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)`;
    case "mlflow":
      return `# pip install mlflow
${key ? 'import os\n\nos.environ["MLFLOW_TRACKING_TOKEN"] = "YOUR_KEY"\n\n' : ""}import mlflow

mlflow.set_tracking_uri("${host}")
mlflow.set_experiment("first")

@mlflow.trace(span_type="LLM")
def answer(question):
    return "Hello"

answer("Hello")
mlflow.flush_trace_async_logging()`;
    case "otel":
      return `# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

exporter = OTLPSpanExporter("${host}/v1/traces"${key ? ', headers={"authorization": "Bearer YOUR_KEY"}' : ""})
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))

with provider.get_tracer("first").start_as_current_span("chat gpt-4o-mini") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.provider.name", "openai")
    span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
    span.set_attribute("gen_ai.usage.input_tokens", 12)
    span.set_attribute("gen_ai.usage.output_tokens", 5)`;
  }
}
