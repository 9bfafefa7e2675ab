"""What Weir says of its export."""

from rig import eventually


def exporter(weir):
    """The state of the export to MLflow."""
    found = weir.get("/api/v1/status").json()["exporters"]
    assert len(found) == 1 and found[0]["target"] == "mlflow", found
    return found[0]


def exported(weir, count, seconds=60):
    """Waits until so many calls are exported and none is left."""

    def ask():
        state = exporter(weir)
        return state if state["exported"] + state["failed"] >= count and state["lag_records"] == 0 else None

    return eventually(f"{count} calls are exported", ask, seconds, 0.1)
