# SPDX-License-Identifier: MIT
"""The tool on key servers that are not ours: moto, which checks signatures, and PyKMIP."""

import ctl
import pytest

from check_reports import results
from lab import certificates, kmip_component, moto, pykmip


def states(keyring) -> dict[str, str]:
    done = keyring.ctl("check", "--json")
    assert done.json()["would_find_keys"] is True, done
    return {name: check["state"] for name, check in results(done).items()}


@pytest.mark.sid
def test_moto(directory):
    with moto.Moto(directory / "moto").start() as kms:
        old, new = (kms.create_key(f"alias/{name}") for name in ("old", "new"))
        keyring = ctl.Keyring("component_keyring_kms", directory, kms.environment())
        options = {"path": str(directory / "data/keyring"), "region": kms.region,
                   "endpoint_url": kms.url}
        keyring.configure({**options, "kms_key": "alias/old"})
        keyring.write("store one - AES", "store two u@h SECRET")
        listed = keyring.ctl("list", "--json").json()
        assert [one["id"] for one in listed["keys"]] == ["one", "two"]
        assert listed["wrapping_keys"] == [old]
        assert keyring.ctl("verify", "--json").json()["readable"] == 2
        found = states(keyring)
        assert {found[name] for name in ("config", "credentials", "dns", "tcp", "clock", "kms-key",
                                         "files", "slots", "keys", "start")} == {"ok"}, found
        keyring.configure({**options, "kms_key": new})
        assert keyring.ctl("rewrap", "--json", "--yes").json()["wrapping_keys"] == [new]
        kms.kms("DisableKey", KeyId=old.rpartition("/")[2])
        assert keyring.ctl("verify", "--json").json()["readable"] == 2
        assert keyring.ctl("rewrap", "--json", "--yes").json()["changed"] is False


def test_pykmip(directory):
    authority = certificates.Authority(directory / "tls")
    with pykmip.PyKmip(directory / "pykmip", authority).start() as kmip:
        keyring = ctl.Keyring("component_keyring_kmip", directory)
        keyring.configure(kmip_component.config(kmip, "mysql"))
        keyring.write("store one - AES", "store two u@h SECRET")
        listed = keyring.ctl("list", "--json").json()
        assert [(one["id"], one["owner"]) for one in listed["keys"]] == [("one", None),
                                                                         ("two", "u@h")]
        assert keyring.ctl("verify", "--json").json()["readable"] == 2
        found = states(keyring)
        assert {found[name] for name in ("config", "dns", "tcp", "kmip-servers", "kmip-group",
                                         "keys", "start")} == {"ok"}, found
