// What to paste where a page has nothing to show yet, with this server's address in it: each works as it stands and shows on
// the page at once. Pure.

export type Step = "workflow" | "prompt" | "run" | "model";

const json = (key: boolean) => `\\\n  -H 'content-type: application/json'${key ? " \\\n  -H 'authorization: Bearer YOUR_KEY'" : ""}`;
const mlflow = (host: string, key: boolean, of: string) => `# pip install mlflow
${key ? 'import os\n\nos.environ["MLFLOW_TRACKING_TOKEN"] = "YOUR_KEY"\n\n' : ""}import mlflow

mlflow.set_tracking_uri("${host}")
mlflow.set_experiment(${JSON.stringify(of)})`;

export function nextStep(step: Step, host: string, key: boolean, of = "first"): string {
  switch (step) {
    case "workflow":
      return `now=$(date +%s)
curl -s ${host}/api/v1/spans ${json(key)} \\
  -d '{"spans": [{
  "trace_id": "'$(printf %032x $now)'", "span_id": "'$(printf %016x $now)'",
  "kind": "branch", "name": "route", "start_us": '$now'000000, "end_us": '$now'050000,
  "attributes": {"workflow": "\\"support\\"",
                 "from_node": "\\"classify\\"", "to_node": "\\"refund\\""}
}]}'`;
    case "prompt":
      return `curl -s ${host}/api/v1/prompts ${json(key)} \\
  -d '{
  "name": "answer", "template": "Be brief. {{ user_message }}", "labels": ["production"]
}'`;
    case "run":
      return `${mlflow(host, key, of)}
with mlflow.start_run():
    mlflow.log_param("lr", 0.1)
    for step in range(10):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)`;
    case "model":
      return `${mlflow(host, key, of)}
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    mlflow.log_dict({"weights": [0.1, 0.9]}, "model/weights.json")
client.create_registered_model("classifier")
client.create_model_version("classifier", f"{run.info.artifact_uri}/model", run.info.run_id)
client.set_registered_model_alias("classifier", "champion", 1)`;
  }
}
