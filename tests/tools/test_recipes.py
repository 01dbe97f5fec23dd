# SPDX-License-Identifier: MIT
"""docs/recipes/kubernetes.md: each manifest has only fields that the operators' definitions have.

The table was read from them: Percona Operator for MySQL of 2026-08 (deploy/crd.yaml), Percona
Operator for XtraDB Cluster of 2026-03, mariadb-operator of 2026-07, and Kubernetes itself.
"""

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/recipes/kubernetes.md"
TEXT, NUMBER, FLAG, MAP = "text", "number", "flag", "map"

METADATA = {"name": TEXT, "annotations": MAP}
VOLUME = {"persistentVolumeClaim": {"resources": {"requests": {"storage": TEXT}}}}
PERCONA = {"image": TEXT, "size": NUMBER, "serviceAccountName": TEXT, "configuration": TEXT,
           "podSecurityContext": {"fsGroup": NUMBER}, "volumeSpec": VOLUME}
FIELDS = {
    ("v1", "ServiceAccount"): {"metadata": METADATA},
    ("ps.percona.com/v1", "PerconaServerMySQL"): {"metadata": METADATA, "spec": {
        "crVersion": TEXT, "secretsName": TEXT, "mysql": {**PERCONA, "clusterType": TEXT}}},
    ("pxc.percona.com/v1", "PerconaXtraDBCluster"): {"metadata": METADATA, "spec": {
        "crVersion": TEXT, "pxc": PERCONA}},
    ("k8s.mariadb.com/v1alpha1", "MariaDB"): {"metadata": METADATA, "spec": {
        "image": TEXT, "serviceAccountName": TEXT, "replicas": NUMBER, "myCnf": TEXT,
        "rootPasswordSecretKeyRef": {"name": TEXT, "key": TEXT},
        "storage": {"size": TEXT}, "galera": {"enabled": FLAG, "sst": TEXT},
        "podSecurityContext": {"fsGroup": NUMBER},
        "volumes": [{"name": TEXT, "secret": {"secretName": TEXT, "defaultMode": NUMBER}}],
        "volumeMounts": [{"name": TEXT, "mountPath": TEXT, "readOnly": FLAG}]}},
}
KINDS = {TEXT: str, NUMBER: int, FLAG: bool, MAP: dict}
GALERA_SST = {"rsync", "mariabackup", "mysqldump"}


def manifests() -> list[dict]:
    return [yaml.safe_load(text) for text in
            re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.S | re.M)]


def problems(found, fields, where: str = "") -> list[str]:
    """What of `found` the definition does not have."""
    if isinstance(fields, str):
        right = isinstance(found, KINDS[fields]) and (fields == FLAG or not isinstance(found, bool))
        return [] if right else [f"{where} is not a {fields}"]
    if isinstance(fields, list):
        return [one for item in found for one in problems(item, fields[0], f"{where}[]")]
    return [one for name, value in found.items() for one in (
        problems(value, fields[name], f"{where}.{name}") if name in fields
        else [f"{where}.{name} does not exist"])]


@pytest.mark.parametrize("manifest", manifests(), ids=lambda manifest: manifest["kind"])
def test_every_field_exists(manifest):
    kind = (manifest.pop("apiVersion"), manifest.pop("kind"))
    assert problems(manifest, FIELDS[kind]) == []


def test_a_wrong_field_is_found():
    fields = {"spec": {"size": NUMBER, "volumes": [{"name": TEXT}]}}
    assert problems({"spec": {"size": "3", "volumes": [{"nam": "x"}]}}, fields) == [
        ".spec.size is not a number", ".spec.volumes[].nam does not exist"]


def test_a_mounted_key_is_not_world_readable_and_galera_copies_keys():
    for manifest in manifests():
        spec = manifest.get("spec", {})
        for volume in spec.get("volumes", []):
            assert volume["secret"]["defaultMode"] & 0o007 == 0
            assert spec["podSecurityContext"]["fsGroup"]
        if "galera" in spec:
            assert spec["galera"]["sst"] == "mariabackup" and "mariabackup" in GALERA_SST


@pytest.mark.parametrize("key, page", [("configuration", "MySQL and Percona Server"),
                                       ("myCnf", "MariaDB")])
def test_the_servers_get_every_setting_that_encrypts(key, page):
    text = (ROOT / "docs/encrypt_everything.md").read_text()
    wanted = re.search(rf"^## {page}\n.*?```ini\n\[\w+\]\n(.*?)```", text, re.S | re.M)[1]
    specs = [part for manifest in manifests() for part in
             (manifest.get("spec", {}), *manifest.get("spec", {}).values())
             if isinstance(part, dict) and key in part]
    assert specs
    for spec in specs:
        assert set(wanted.splitlines()) <= set(spec[key].splitlines())
