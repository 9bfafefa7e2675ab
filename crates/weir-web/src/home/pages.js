// What the addresses show that MLflow's client prints after a run. Each gets the parts of its address and gives elements.

import { file, get, post } from "./api.js";
import { duration, link, make, number, pairs, state, table, time, trail } from "./parts.js";

const ROWS = 100;
const COLUMNS = 6;
const entries = (list = []) => list.map(({ key, value }) => [key, value]).sort(([a], [b]) => a.localeCompare(b));
const toExperiments = () => link("#/experiments", "experiments");
const toExperiment = (id, name) => link(`#/experiments/${id}`, name ?? `experiment ${id}`);

export async function experiments() {
  const { experiments = [] } = await post("2.0/mlflow/experiments/search", { max_results: ROWS });
  const rows = experiments.map((e) => [toExperiment(e.experiment_id, e.name), e.experiment_id, time(e.creation_time)]);
  return [trail(), make("h1", {}, "Experiments"), table(["name", "id", "created"], rows, "There is none yet.")];
}

export async function experiment(id) {
  const [{ experiment }, { runs = [] }] = await Promise.all([
    get("2.0/mlflow/experiments/get", { experiment_id: id }),
    post("2.0/mlflow/runs/search", { experiment_ids: [id], max_results: ROWS }),
  ]);
  const names = (kind) => [...new Set(runs.flatMap((run) => (run.data?.[kind] ?? []).map(({ key }) => key)))].slice(0, COLUMNS);
  const [metrics, params] = [names("metrics"), names("params")];
  const rows = runs.map(({ info, data = {} }) => {
    const of = (kind, key) => data[kind]?.find((entry) => entry.key === key)?.value;
    return [
      link(`#/experiments/${id}/runs/${info.run_id}`, info.run_name || info.run_id), state(info.status), time(info.start_time),
      duration(info.end_time - info.start_time), ...metrics.map((key) => of("metrics", key)), ...params.map((key) => of("params", key)),
    ];
  });
  return [
    trail(toExperiments()),
    make("h1", {}, experiment.name),
    make("p", { class: "lead" }, `The newest ${ROWS} runs. `, link(`#/experiments/${id}/traces`, "traces")),
    table(["run", "status", "started", "took", ...metrics, ...params], rows, "No run yet."),
  ];
}

export async function run(id, uuid) {
  const { run } = await get("2.0/mlflow/runs/get", { run_id: uuid });
  const { info, data = {} } = run;
  const tags = entries(data.tags).filter(([key]) => !key.startsWith("mlflow."));
  const metrics = [...(data.metrics ?? [])].sort((a, b) => a.key.localeCompare(b.key));
  return [
    trail(toExperiments(), toExperiment(info.experiment_id)),
    make("h1", {}, info.run_name || uuid),
    make("p", { class: "lead" }, state(info.status), " ", time(info.start_time), ", took ", duration(info.end_time - info.start_time)),
    make("h2", {}, "Metrics"),
    table(["name", "latest", "step"], metrics.map((m) => [m.key, m.value, m.step ?? 0]), "None."),
    ...pairs("Params", entries(data.params), "None."),
    ...pairs("Tags", tags, "None."),
    make("h2", {}, "Artifacts"),
    await artifacts(uuid, ""),
  ];
}

// The files of a folder; folders open in their place.
async function artifacts(run, path) {
  const { files = [] } = await get("2.0/mlflow/artifacts/list", { run_id: run, ...(path ? { path } : {}) });
  const row = (entry) => {
    const name = entry.path.slice(path ? path.length + 1 : 0);
    const open = async (event) => {
      event.preventDefault();
      if (entry.is_dir) return event.target.closest("td").replaceChildren(`${name}/`, await artifacts(run, entry.path));
      const url = await file("get-artifact", { run_id: run, path: entry.path });
      make("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    };
    return [make("a", { href: "#", onclick: open }, entry.is_dir ? `${name}/` : name), entry.is_dir ? "" : `${number(entry.file_size ?? 0)} bytes`];
  };
  return table(["name", "size"], files.map(row), "None.");
}

export async function traces(id) {
  const locations = [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: id } }];
  const { traces = [] } = await post("3.0/mlflow/traces/search", { locations, max_results: ROWS });
  const rows = traces.map((t) => [
    link(`api/v1/traces/${t.trace_id.replace(/^tr-/, "")}`, t.tags?.["mlflow.traceName"] ?? t.trace_id), state(t.state),
    time(Date.parse(t.request_time)), t.execution_duration ?? "–", t.request_preview ?? "", t.response_preview ?? "",
  ]);
  return [
    trail(toExperiments(), toExperiment(id)),
    make("h1", {}, "Traces"),
    table(["name", "state", "started", "took", "request", "response"], rows, "No trace yet."),
  ];
}

export async function model(name, version) {
  const { registered_model: model } = await get("2.0/mlflow/registered-models/get", { name });
  const { model_versions: versions = [] } = await get("2.0/mlflow/model-versions/search", { filter: `name = '${name}'`, max_results: ROWS });
  const labels = (number) => (model.aliases ?? []).filter((a) => a.version === number).map((a) => `@${a.alias}`).join(" ");
  const rows = versions.map((v) => [
    make(v.version === version ? "b" : "span", {}, v.version), state(v.current_stage), labels(v.version), time(v.creation_timestamp), v.source ?? "",
  ]);
  return [
    trail("models"),
    make("h1", {}, model.name),
    make("p", { class: "lead" }, model.description ?? ""),
    table(["version", "stage", "aliases", "created", "source"], rows, "No version yet."),
  ];
}

export async function prompt(name) {
  const filter = `name = '${name}' and tags.\`mlflow.prompt.is_prompt\` = 'true'`;
  const { model_versions: versions = [] } = await get("2.0/mlflow/model-versions/search", { filter, max_results: ROWS });
  const text = (v) => v.tags?.find(({ key }) => key === "mlflow.prompt.text")?.value ?? "";
  const parts = versions.flatMap((v) => [make("h2", {}, `Version ${v.version}`), make("p", { class: "quiet" }, v.description ?? ""), make("pre", {}, text(v))]);
  return [trail("prompts"), make("h1", {}, name), ...parts];
}

export const ROUTES = [
  [/^\/experiments$/, experiments],
  [/^\/experiments\/([^/]+)\/runs\/([^/]+)/, run],
  [/^\/experiments\/([^/]+)\/traces/, traces],
  [/^\/experiments\/([^/]+)\/evaluation-runs/, (id, query) => (query.get("selectedRunUuid") ? run(id, query.get("selectedRunUuid")) : experiment(id))],
  [/^\/experiments\/([^/]+)/, experiment],
  [/^\/models\/([^/]+)\/versions\/([^/]+)/, model],
  [/^\/models\/([^/]+)/, model],
  [/^\/prompts\/([^/]+)/, prompt],
];

export function find(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?");
  for (const [pattern, page] of ROUTES) {
    const match = path.match(pattern);
    if (match) return () => page(...match.slice(1).map(decodeURIComponent), new URLSearchParams(query));
  }
  return undefined;
}
