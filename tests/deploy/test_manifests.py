"""What the objects say to one another: labels, ports, volumes, numbers of replicas, and what a pod may do."""

import copy
import re
import tomllib

from rig.deployed import Overlay

KINDS = {
    "ConfigMap",
    "Deployment",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
}
MONITORED = {"PrometheusRule", "ServiceMonitor"}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def config(overlay):
    return tomllib.loads(overlay.weir_toml)


def size(text):
    """Bytes, as Kubernetes or as Weir writes them."""
    number, unit = re.fullmatch(r"(\d+)([KMG]i)B?", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def matches(selector, labels):
    return selector and selector.items() <= labels.items()


def test_everything_is_there(overlay):
    expected = {
        "dev": KINDS,
        "production": KINDS | MONITORED,
        "scaled": KINDS - {"Deployment"} | MONITORED | {"StatefulSet", "HorizontalPodAutoscaler"},
    }
    assert {o["kind"] for o in overlay.objects} == expected[overlay.name]
    assert len({o["metadata"]["namespace"] for o in overlay.objects}) == 1, "all in one namespace"
    assert not overlay.all("Secret"), "no secret is in the repository"


# Who finds whom


def test_selectors_find_the_pod(overlay):
    labels = overlay.workload["spec"]["template"]["metadata"]["labels"]
    assert matches(overlay.workload["spec"]["selector"]["matchLabels"], labels)
    assert matches(overlay.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels)
    assert matches(overlay.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"], labels)
    for service in overlay.all("Service"):
        assert matches(service["spec"]["selector"], labels), service["metadata"]["name"]
    for spread in overlay.pod["topologySpreadConstraints"]:
        assert matches(spread["labelSelector"]["matchLabels"], labels)


def test_ports_agree(overlay):
    (port,) = overlay.container["ports"]
    host, _, listen = config(overlay)["server"]["listen"].rpartition(":")
    assert host == "0.0.0.0" and int(listen) == port["containerPort"]
    for service in overlay.all("Service"):
        for exposed in service["spec"]["ports"]:
            assert exposed["targetPort"] == port["name"] and exposed["port"] == port["containerPort"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert overlay.container[probe]["httpGet"]["port"] == port["name"]
    opened = [p["port"] for rule in overlay.one("NetworkPolicy")["spec"]["ingress"] for p in rule["ports"]]
    assert opened == [port["containerPort"]], "the one port and no other"


def test_the_monitor_finds_one_service_and_has_a_key_that_may_read(overlay):
    for monitor in overlay.all("ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [s for s in overlay.all("Service") if matches(selector, s["metadata"]["labels"])]
        assert [s["metadata"]["name"] for s in found] == ["weir"], "two would scrape every pod twice"
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [p["name"] for p in found[0]["spec"]["ports"]]
        credentials = endpoint["authorization"]["credentials"]
        variable = next(
            e["name"] for e in overlay.container["env"] if e.get("valueFrom", {}).get("secretKeyRef") == credentials
        )
        (key,) = [k for k in config(overlay)["keys"] if k["key"] == f"env:{variable}"]
        assert key["role"] == "read"


def test_every_key_comes_from_the_secret(overlay):
    """`env:NAME` needs the variable, the variable needs the Secret."""
    given = {e["name"]: e.get("valueFrom", {}).get("secretKeyRef") for e in overlay.container["env"]}
    keys = config(overlay)["keys"]
    assert keys, "anything but loopback needs keys"
    for key in keys:
        assert key["key"].startswith("env:") and given[key["key"][4:]] == {"name": "weir-keys", "key": key["key"][4:]}
    for name, reference in given.items():
        assert reference or not re.search("KEY|TOKEN|PASSWORD|SECRET", name), f"{name} stands in the open"


# The volume


def test_the_mounts_are_where_weir_looks(overlay):
    mounts = {m["name"]: m for m in overlay.container["volumeMounts"]}
    assert mounts["data"]["mountPath"] == config(overlay)["server"]["data"]
    args = overlay.container["args"]
    assert args == ["serve", "--config", f"{mounts['config']['mountPath']}/weir.toml"], "flags would win over the file"
    assert "subPath" not in mounts["config"], "with subPath a change never reaches the pod"
    volumes = {v["name"] for v in overlay.pod["volumes"]}
    volumes |= {t["metadata"]["name"] for t in overlay.workload["spec"].get("volumeClaimTemplates", [])}
    assert volumes == set(mounts)


def test_one_process_has_one_volume(overlay):
    """The store is locked by its process: two pods on one volume would be one that works and one that does not."""
    (claim,) = overlay.all("PersistentVolumeClaim")
    spec = overlay.workload["spec"]
    if overlay.workload["kind"] == "Deployment":
        (data,) = [v for v in overlay.pod["volumes"] if v["name"] == "data"]
        assert data["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"}
        assert not overlay.all("HorizontalPodAutoscaler")
    else:
        (template,) = spec["volumeClaimTemplates"]
        assert template["metadata"]["name"] == "data" and not [v for v in overlay.pod["volumes"] if v["name"] == "data"]
        assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}, "records outlive replicas"


def test_replica_0_takes_over_the_volume_of_the_single_one(scaled):
    claim = scaled.one("PersistentVolumeClaim", "data-weir-0")
    (template,) = scaled.workload["spec"]["volumeClaimTemplates"]
    assert f"{template['metadata']['name']}-{scaled.workload['metadata']['name']}-0" == claim["metadata"]["name"]
    assert claim["spec"] == template["spec"]


def test_the_journal_has_room_on_the_volume(overlay):
    volume = overlay.all("PersistentVolumeClaim")[0]["spec"]["resources"]["requests"]["storage"]
    assert size(config(overlay)["record"]["journal_max"]) <= size(volume) / 4


# More than one


def test_the_scaled_pod_is_the_single_one_but_for_its_volume(scaled):
    single, several = Overlay("production").workload, scaled.workload
    template = copy.deepcopy(single["spec"]["template"])
    template["spec"]["volumes"] = [v for v in template["spec"]["volumes"] if v["name"] != "data"]
    assert several["spec"]["template"] == template
    assert several["spec"]["selector"] == single["spec"]["selector"]


def test_the_scaler_scales_what_is_there(scaled):
    spec = scaled.one("HorizontalPodAutoscaler")["spec"]
    workload = scaled.workload
    assert spec["scaleTargetRef"] == {
        "apiVersion": workload["apiVersion"],
        "kind": workload["kind"],
        "name": workload["metadata"]["name"],
    }
    assert "replicas" not in workload["spec"], "an apply would set the number back"
    assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
    (metric,) = spec["metrics"]
    requests = scaled.container["resources"]["requests"]
    assert metric["resource"]["name"] in requests, "utilisation is a share of the request"


def test_the_replicas_have_names_and_callers_a_service(scaled):
    headless = scaled.one("Service", scaled.workload["spec"]["serviceName"])
    assert headless["spec"]["clusterIP"] == "None"
    assert "clusterIP" not in scaled.one("Service")["spec"]


def test_every_replica_exports_to_the_shared_mlflow(scaled):
    assert [e for e in scaled.container["env"] if e["name"] == "MLFLOW_TRACKING_URI"]


def test_a_drain_is_never_blocked(overlay):
    assert overlay.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


# Start, stop, what it may do


def test_there_is_time_to_stop(overlay):
    before = overlay.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    calls = seconds(config(overlay)["server"]["shutdown_timeout"])
    drain = 10  # DRAIN_AT_STOP of the server
    assert overlay.pod["terminationGracePeriodSeconds"] > before + calls + drain


def test_the_pod_is_restricted(overlay):
    """As the Pod Security Standard `restricted` demands, and more."""
    pod, container = overlay.pod["securityContext"], overlay.container["securityContext"]
    assert pod["runAsNonRoot"] is True and pod["runAsUser"] > 0 and pod["fsGroup"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False and container["privileged"] is False
    assert container["readOnlyRootFilesystem"] is True and container["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(overlay.pod)
    assert not [v for v in overlay.pod["volumes"] if "hostPath" in v]
    assert overlay.pod["automountServiceAccountToken"] is False
    account = overlay.one("ServiceAccount", overlay.pod["serviceAccountName"])
    assert account["automountServiceAccountToken"] is False


def test_the_image_is_pinned_and_the_pod_is_bounded(overlay):
    assert re.search(r"(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})$", overlay.container["image"])
    resources = overlay.container["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"]) and "memory" in resources["limits"]


def test_only_what_is_needed_gets_out(overlay):
    spec = overlay.one("NetworkPolicy")["spec"]
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    ports = {p["port"] for rule in spec["egress"] for p in rule["ports"]}
    uri = [e["value"] for e in overlay.container["env"] if e["name"] == "MLFLOW_TRACKING_URI"]
    mlflow = {int(re.search(r":(\d+)$", u).group(1)) for u in uri}
    assert ports == {53, 443} | mlflow
    for rule in spec["egress"]:
        for peer in rule["to"]:
            if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                assert "169.254.0.0/16" in peer["ipBlock"]["except"], "where clouds hand out credentials"
