"""What people ask of the runs, with the unmodified mlflow client, beside what Weir itself says."""

import math

import mlflow
import pandas

EXPERIMENT = "llmops-production-api"


def show(tracking, since, total):
    """Prints it, of the runs since then (Unix time in ms). `total` is the sum that Weir gives for the same calls."""
    mlflow.set_tracking_uri(tracking)
    pandas.set_option("display.width", 120)

    def search(*filters, **options):
        # Older runs are there where the server is not the example's own.
        text = " and ".join([f"attributes.start_time >= {since}", *filters])
        return mlflow.search_runs(experiment_names=[EXPERIMENT], filter_string=text, **options)

    columns = ["tags.mlflow.runName", "status", "params.model", "params.department", "params.cache_hit",
               "metrics.total_response_time_ms"]
    print("\nThe latest 10:")
    latest = search(order_by=["start_time DESC"], max_results=10)[columns]
    print(latest.rename(columns=lambda name: name.split(".")[-1]).to_string(index=False))
    print("\nRuns of engineering:", len(search("params.department = 'engineering'")))
    for version in ("v1.0", "v2.0"):
        print(f"Runs with the prompt's version {version}:", len(search(f"tags.prompt_version = '{version}'")))
    table = search()
    print("\nMean latency by model, in ms:")
    print(table.groupby("params.model")["metrics.llm_latency_ms"].mean().round(1).to_string(header=False))
    tokens = {kind: int(table[f"metrics.{kind}_tokens"].sum()) for kind in ("prompt", "completion", "total")}
    cost = table["metrics.cost_usd"].sum()
    rate = (table["params.cache_hit"] == "True").mean()
    failed = (table["status"] == "FAILED").sum()
    print(f"\nTokens: {tokens['prompt']} in, {tokens['completion']} out, {tokens['total']} together")
    print(f"Cost: {cost:.6f} USD")
    print(f"Cache hit rate: {rate:.1%}")
    print(f"Failed: {failed} of {len(table)}")
    same = (
        len(table) == total["count"] and tokens == {kind: total["tokens"][kind] for kind in tokens}
        and math.isclose(cost, total["cost_usd"], abs_tol=1e-9)
        and math.isclose(rate, total["cache_hits"] / total["count"]) and failed == total["errors"]
    )
    print("All of it equals what Weir says." if same else f"This differs from what Weir says: {total}")
    if not same:
        raise SystemExit(1)
