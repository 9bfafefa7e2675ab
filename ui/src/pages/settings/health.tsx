// How the server and its parts are doing.

import type { Schema } from "@/api/client";
import { bytes, count, dollars, millis } from "@/format/number";
import { Fact, Facts } from "./facts";

export type Status = Schema["StatusAnswer"];

export function Health({ of }: { of: Status }) {
  const { cache, journal, batches, exporters } = of;
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
            <Fact name="Answers" value="none: [cache] is off" />
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
