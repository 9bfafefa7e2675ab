// MLflow's tracking protocol, as far as the pages read it. Its lists of pairs become records here.

import { json, post, request } from "@/api/client";

const BASE = "/ajax-api/2.0/mlflow";

type Pair = { key: string; value: string };
type Point = { key: string; value: number | string; timestamp: number; step: number };

export type Experiment = { id: string; name: string; note: string; tags: Record<string, string>; created: number; updated: number; location: string };

// The tag that names the run which a nested one is a part of.
export const PARENT = "mlflow.parentRunId";

export type Run = {
  id: string;
  name: string;
  experiment: string;
  user: string;
  status: string;
  start: number;
  end: number | undefined;
  uri: string;
  params: Record<string, string>;
  metrics: Record<string, number>;
  tags: Record<string, string>;
  datasets: { name: string; digest: string; context: string | undefined }[];
};

type WireExperiment = { experiment_id: string; name: string; creation_time?: number; last_update_time?: number; artifact_location?: string; tags?: Pair[] };
type WireRun = {
  info: { run_id: string; run_name?: string; experiment_id: string; user_id?: string; status: string; start_time?: number; end_time?: number; artifact_uri?: string };
  data?: { metrics?: Point[]; params?: Pair[]; tags?: Pair[] };
  inputs?: { dataset_inputs?: { tags?: Pair[]; dataset: { name: string; digest: string } }[] };
};

const record = (pairs: Pair[] = []) => Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
// JSON has no NaN: the protocol writes it as a text.
const number = (value: number | string) => (typeof value === "number" ? value : Number(value));

function experimentOf(wire: WireExperiment): Experiment {
  const tags = record(wire.tags);
  return { id: wire.experiment_id, name: wire.name, note: tags["mlflow.note.content"] ?? "", tags, created: wire.creation_time ?? 0, updated: wire.last_update_time ?? 0, location: wire.artifact_location ?? "" };
}

export function runOf(wire: WireRun): Run {
  const { info, data = {} } = wire;
  return {
    id: info.run_id,
    name: info.run_name || info.run_id.slice(0, 8),
    experiment: info.experiment_id,
    user: info.user_id ?? "",
    status: info.status,
    start: info.start_time ?? 0,
    end: info.end_time,
    uri: info.artifact_uri ?? "",
    params: record(data.params),
    metrics: Object.fromEntries((data.metrics ?? []).map((point) => [point.key, number(point.value)])),
    tags: record(data.tags),
    datasets: (wire.inputs?.dataset_inputs ?? []).map(({ dataset, tags }) => ({ ...dataset, context: record(tags)["mlflow.data.context"] })),
  };
}

export async function experiments(filter: string, token: string | undefined, signal: AbortSignal) {
  const body = { max_results: 200, page_token: token, order_by: ["last_update_time DESC"], ...(filter ? { filter } : {}) };
  const answer = await json<{ experiments?: WireExperiment[]; next_page_token?: string }>(`${BASE}/experiments/search`, {}, asked(body, signal));
  return { experiments: (answer.experiments ?? []).map(experimentOf), next: answer.next_page_token };
}

export async function experiment(id: string, signal: AbortSignal): Promise<Experiment> {
  return experimentOf((await json<{ experiment: WireExperiment }>(`${BASE}/experiments/get`, { experiment_id: id }, { signal })).experiment);
}

const asked = (body: unknown, signal: AbortSignal): RequestInit => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });

export async function runs(ids: readonly string[], how: { filter?: string; order?: string; token?: string; most?: number }, signal: AbortSignal) {
  const body = { experiment_ids: ids, max_results: how.most ?? 100, page_token: how.token, filter: how.filter || undefined, order_by: how.order ? [how.order] : undefined };
  const answer = await json<{ runs?: WireRun[]; next_page_token?: string }>(`${BASE}/runs/search`, {}, asked(body, signal));
  return { runs: (answer.runs ?? []).map(runOf), next: answer.next_page_token };
}

export async function run(id: string, signal: AbortSignal): Promise<Run> {
  return runOf((await json<{ run: WireRun }>(`${BASE}/runs/get`, { run_id: id }, { signal })).run);
}

export type History = { run: string; points: { step: number; at: number; value: number }[] };

// Points of a metric of some runs, evenly taken where there are many.
export async function histories(ids: readonly string[], metric: string, signal: AbortSignal): Promise<History[]> {
  const query = new URLSearchParams([...ids.map((id) => ["run_ids", id]), ["metric_key", metric], ["max_results", "1000"]]);
  const answer = await (await request(`${BASE}/metrics/get-history-bulk-interval?${query}`, { signal })).json();
  const points = ((answer as { metrics?: (Point & { run_id: string })[] }).metrics ?? []).map((p) => ({ ...p, value: number(p.value) }));
  return ids.map((id) => ({ run: id, points: points.filter((p) => p.run_id === id).map(({ step, timestamp, value }) => ({ step, at: timestamp, value })) }));
}

export type FileEntry = { path: string; is_dir: boolean; file_size?: number };

export async function files(run: string, path: string | undefined, signal: AbortSignal): Promise<FileEntry[]> {
  return (await json<{ files?: FileEntry[] }>(`${BASE}/artifacts/list`, { run_id: run, path }, { signal })).files ?? [];
}

export const fileAddress = (run: string, path: string) => `/get-artifact?${new URLSearchParams({ path, run_uuid: run })}`;

export type Version = { name: string; version: string; created: number; updated: number; stage: string; description: string; run: string; source: string; aliases: string[]; tags: Record<string, string> };
export type Model = { name: string; description: string; created: number; updated: number; aliases: Record<string, string>; tags: Record<string, string>; latest: Version[] };

type WireVersion = { name: string; version: string; creation_timestamp?: number; last_updated_timestamp?: number; current_stage?: string; description?: string; run_id?: string; source?: string; aliases?: string[]; tags?: Pair[] };
type WireModel = { name: string; description?: string; creation_timestamp?: number; last_updated_timestamp?: number; aliases?: { alias: string; version: string }[]; tags?: Pair[]; latest_versions?: WireVersion[] };

const versionOf = (wire: WireVersion): Version => ({
  name: wire.name,
  version: wire.version,
  created: wire.creation_timestamp ?? 0,
  updated: wire.last_updated_timestamp ?? 0,
  stage: wire.current_stage ?? "None",
  description: wire.description ?? "",
  run: wire.run_id ?? "",
  source: wire.source ?? "",
  aliases: wire.aliases ?? [],
  tags: record(wire.tags),
});

const modelOf = (wire: WireModel): Model => ({
  name: wire.name,
  description: wire.description ?? "",
  created: wire.creation_timestamp ?? 0,
  updated: wire.last_updated_timestamp ?? 0,
  aliases: Object.fromEntries((wire.aliases ?? []).map(({ alias, version }) => [alias, version])),
  tags: record(wire.tags),
  latest: (wire.latest_versions ?? []).map(versionOf),
});

export async function models(signal: AbortSignal): Promise<Model[]> {
  const answer = await json<{ registered_models?: WireModel[] }>(`${BASE}/registered-models/search`, { max_results: "500" }, { signal });
  return (answer.registered_models ?? []).map(modelOf);
}

export async function model(name: string, signal: AbortSignal): Promise<Model> {
  return modelOf((await json<{ registered_model: WireModel }>(`${BASE}/registered-models/get`, { name }, { signal })).registered_model);
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

export async function versions(filter: { name: string } | { run: string }, signal: AbortSignal): Promise<Version[]> {
  const text = "name" in filter ? `name=${quoted(filter.name)}` : `run_id=${quoted(filter.run)}`;
  const answer = await json<{ model_versions?: WireVersion[] }>(`${BASE}/model-versions/search`, { filter: text, max_results: "1000" }, { signal });
  return (answer.model_versions ?? []).map(versionOf);
}

export const moveVersion = (name: string, version: string, stage: string) =>
  post(`${BASE}/model-versions/transition-stage`, { name, version, stage, archive_existing_versions: "false" });

export const setAlias = (name: string, alias: string, version: string) => post(`${BASE}/registered-models/alias`, { name, alias, version });

export const removeAlias = (name: string, alias: string) =>
  json(`${BASE}/registered-models/alias`, {}, { method: "DELETE", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, alias }) });
