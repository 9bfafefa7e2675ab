// Vercel's AI SDK: version 5 with its ai.* attributes; version 7 with GenAI's, and with its legacy integration.
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { z } from 'zod';

const [version, name] = process.argv[2].split('_').reduce((a, w, i) => (i ? [a[0], [...a[1], w]] : [w, []]), ['', []]);
const { createOpenAI } = await import(version === 'v5' ? '@ai-sdk/openai-2' : '@ai-sdk/openai');
const ai = await import(version === 'v5' ? 'ai-5' : 'ai');

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop-assistant' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
if (version !== 'v5') {
  const otel = await import('@ai-sdk/otel');
  ai.registerTelemetry(version === 'v7legacy' ? new otel.LegacyOpenTelemetry() : new otel.OpenTelemetry());
}

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: 'sk-recorded' });
const model = openai.chat('gpt-4o-mini');
const context = { userId: 'user-42', sessionId: 'session-7', department: 'support', tags: ['production'] };
const telemetry =
  version === 'v5'
    ? { experimental_telemetry: { isEnabled: true, functionId: 'geography', metadata: context } }
    : {
        runtimeContext: context,
        telemetry: {
          functionId: 'geography',
          includeRuntimeContext: { userId: true, sessionId: true, department: true, tags: true },
        },
      };
const question = [{ role: 'user', content: 'What is the capital of France?' }];
const system = version === 'v5' ? { system: 'Answer in one sentence.' } : { instructions: 'Answer in one sentence.' };

const cases = {
  text: () =>
    ai.generateText({ model, ...system, messages: question, temperature: 0.2, maxOutputTokens: 64, maxRetries: 0, ...telemetry }),
  tools: () =>
    ai.generateText({
      model,
      prompt: 'What is the weather in Paris?',
      tools: {
        get_weather: ai.tool({
          description: 'The weather of a city',
          inputSchema: z.object({ city: z.string() }),
          execute: async () => 'sunny',
        }),
      },
      stopWhen: (ai.stepCountIs ?? ai.isStepCount)(3),
      maxRetries: 0,
      ...telemetry,
    }),
  stream: async () => {
    const result = ai.streamText({ model, messages: question, maxRetries: 0, ...telemetry });
    for await (const _ of result.textStream);
  },
  embed: () =>
    ai.embedMany({
      model: (openai.embedding ?? openai.textEmbeddingModel)('text-embedding-3-small'),
      values: ['The journal keeps calls.', 'A budget refuses calls.'],
      maxRetries: 0,
      ...telemetry,
    }),
  error: () =>
    ai
      .generateText({ model: openai.chat('error-429'), messages: question, maxRetries: 0, ...telemetry })
      .catch(() => {}),
};
await cases[name.join('_')]();
await provider.shutdown();
