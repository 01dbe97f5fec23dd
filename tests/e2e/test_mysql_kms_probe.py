# SPDX-License-Identifier: MIT
"""Every slot of the eight keyring services, called through the server's own structs."""

import hashlib
import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.sid

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def probe(directory):
    library = directory / "keyring_probe.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-deprecated-non-prototype", "-Wno-strict-prototypes",
                    "-o", library, HERE / "keyring_probe.c"], check=True)
    return library


def encrypted_by_openssl(key: bytes, iv: bytes, text: bytes) -> str:
    done = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-K", hashlib.sha256(key).hexdigest(), "-iv", iv.hex()],
                          input=text, stdout=subprocess.PIPE, check=True)
    return done.stdout.hex()


def test_every_slot_through_the_server_and_a_sensitive_variable(directory, probe, make_kms_mysql):
    server = make_kms_mysql(plugins=[probe], environment={"OKR_PROBE": str(directory / "probed")})
    server.start()
    server.sql("INSTALL COMPONENT 'file://keyring_probe'")
    key, iv, text = b"0123456789abcdef", bytes([1, 2, 3]) + bytes(13), b"sixteen bytes..."
    assert (directory / "probed").read_text().splitlines() == [
        "ready 1", "absent 0 1", "store 0", "store again 1", "generate 0", "reader 0 1", "length 0 16 3",
        "fetch 0 0123456789abcdef AESx 16 3", "too small 1", "close 0", "aes size 0 32",
        f"aes encrypt 0 32 {encrypted_by_openssl(key, iv, text)}", "aes decrypt 0 sixteen bytes... 16", "aes bad mode 1",
        "keys 0", "key probe of ", "key probe 2 of me@here", "keys end 1 0 2",
        "rows 0", "row Component_name=component_keyring_kms 15 22", "rows end 1 0 1",
        "remove 0", "remove again 1", "remove owned 0", "variable 0"]

    # A sensitive variable is persisted encrypted: the keyring was ready before the server read its options.
    server.sql("SET PERSIST keyring_probe.secret='do not show this'")
    assert ("persisted_variables_key", "") in server.keyring_keys()
    assert "do not show" not in (server.data / "mysqld-auto.cnf").read_text()
    server.restart()
    assert "persisted_variables_key" not in server.last_log(), "no complaint about its key"
