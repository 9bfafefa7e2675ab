"""What a program with OpenTelemetry's SDK sends: a trace of an agent that looks something up and asks a model. Says the trace's
id as JSON in its last line."""

import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

SERVICE = "written-by-otel"


def main(uri):
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{uri}/v1/traces")))
    tracer = provider.get_tracer("writer")
    with tracer.start_as_current_span("plan_trip", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}) as root:
        with tracer.start_as_current_span("execute_tool get_weather", attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"}) as tool:
            tool.set_attribute("gen_ai.tool.call.arguments", json.dumps({"city": "Bergen"}))
            tool.set_attribute("gen_ai.tool.call.result", json.dumps({"sky": "rain"}))
        with tracer.start_as_current_span("chat gpt-4o-mini") as call:
            call.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                    "gen_ai.usage.input_tokens": 120,
                    "gen_ai.usage.output_tokens": 30,
                    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "What to wear in Bergen?"}]}]),
                    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "A raincoat."}], "finish_reason": "stop"}]),
                }
            )
    provider.shutdown()
    print(json.dumps({"trace": trace.format_trace_id(root.get_span_context().trace_id)}))


main(sys.argv[1])
