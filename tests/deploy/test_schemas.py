"""Every object of every overlay against Kubernetes' own schemas, unknown members refused."""

import copy
import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from rig.process import ROOT

#: The oldest that the manifests are for (a sleep before the stop, one pod per volume), and the newest that is known.
VERSIONS = ["1.30", "1.37"]
SCHEMAS = Path(__file__).parent / "schemas"


def check(manifest, version):
    """Fails unless the object is what the schema of its kind says."""
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        schema = json.loads((SCHEMAS / f"{manifest['kind'].lower()}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(overlay, version):
    for manifest in overlay.objects:
        check(manifest, version)


def test_the_validator_refuses_what_is_wrong(scaled):
    """Else the test above would say nothing."""
    for manifest in scaled.objects:
        if manifest["kind"] == "ConfigMap":
            continue
        wrong = copy.deepcopy(manifest)
        wrong.setdefault("spec", wrong)["replicaz"] = 1
        with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
            check(wrong, VERSIONS[-1])


def test_every_file_is_used():
    """A manifest that no kustomization names is applied by nobody."""
    kubernetes = ROOT / "deploy" / "kubernetes"
    for kustomization in kubernetes.rglob("kustomization.yaml"):
        text = yaml.safe_load(kustomization.read_text())
        named = set(text.get("resources", [])) | {p["path"] for p in text.get("patches", []) if "path" in p}
        for generator in text.get("configMapGenerator", []):
            named |= set(generator["files"])
        files = {f.name for f in kustomization.parent.iterdir() if f.is_file()} - {"kustomization.yaml"}
        assert files <= named, f"{kustomization}: {files - named}"
