# SPDX-License-Identifier: MIT
"""Core dumps of MySQL with each of its products show no key that the server itself has not asked for."""

import pathlib

import pytest

from lab import aws_keyring_plugin, certificates, kmip_component, kmip_emulator, kms_component
import core

pytestmark = pytest.mark.sid

KEYS = [f"k{number}" for number in range(20)]
# So many are opened by several threads; those that are searched for are of all threads.
MANY_KEYS = [f"k{number}" for number in range(200)]
SEARCHED = {"component_keyring_kms sealed": MANY_KEYS[::10]}
STORED = [f"s{number}" for number in range(5)]
# A name is not a secret, and lies beside its key in memory: a search that misses it proves nothing.
CANARY = "what is not a secret"


class Product:
    """A server with one of the products, and what else must not be seen."""

    def __init__(self, server, credentials: dict[str, bytes], keys: list[str]):
        self.server, self.credentials = server, credentials
        self.keys = keys  # Those that are searched for.


@pytest.fixture
def make_product(directory, kms):
    """A function that makes the server of a product, by its name; it ends with the test."""
    made = []

    def make(name: str) -> Product:
        secret = kms.ready["secret_access_key"].encode()
        path = directory / "m"
        if name == "keyring_aws":
            server = aws_keyring_plugin.MySQLWithKeyringAws(path, kms, more={"cache_keys": "ON"})
        elif name == "component_keyring_kmip":
            authority = certificates.Authority(directory / "tls")
            kmip = kmip_emulator.KmipEmulator(directory / "kmip", authority).start()
            made.append(kmip)
            server = kmip_component.MySQLWithKmip(path, kmip)
        else:
            # In the configuration file, since every core dump shows the environment.
            server = kms_component.MySQLWithKms(path, kms, more={
                "auth_key": kms.ready["access_key_id"], "secret_access_key": kms.ready["secret_access_key"],
                "file_format": "percona" if name.endswith("percona") else "sealed"})
            server.environment = {}
            (server.plugin_directory / "component_keyring_kms.cnf").chmod(0o600)
        made.append(server)
        return Product(server, {} if name == "component_keyring_kmip" else {"the secret access key": secret},
                       SEARCHED.get(name, KEYS))

    yield make
    for one in made:
        one.kill()


def found_in_dump(product: Product, path: pathlib.Path) -> dict:
    """What a dump shows of keys and credentials, searched for by the values that a later start gives."""
    server = product.server
    dump = core.Core(server.process.pid, path)
    server.kill()
    server.start()
    rows = server.sql(";".join(f"SELECT '{key}', HEX(keyring_key_fetch('{key}'))" for key in [*product.keys, *STORED]))
    keys = {name: bytes.fromhex(value) for name, value in rows if value != "NULL"}
    assert len(set(keys.values())) >= len(product.keys) and all(len(key) == 32 for key in keys.values())
    found = dump.search({**keys, **product.credentials, CANARY: b"root@localhost"})
    assert CANARY in {find.what for find in found}
    # MySQL has made the value of a stored key itself: only what travels is ours, and that is base64.
    return core.summary([find for find in found
                         if find.what != CANARY and (find.what not in STORED or find.form == "base64")])


@pytest.mark.parametrize("name", ["component_keyring_kms sealed", "component_keyring_kms percona", "component_keyring_kmip",
                                  "keyring_aws"])
def test_a_core_dump_shows_no_key(directory, make_product, name):
    product = make_product(name)
    server = product.server
    server.start()
    server.install_udf()
    made = MANY_KEYS if name in SEARCHED else KEYS
    server.sql(";".join(f"DO keyring_key_generate('{key}','AES',32)" for key in made))
    # In Percona's format each of them was sent to KMS, and keyring_aws sends those that are stored.
    server.sql(";".join(f"DO keyring_key_store('{key}','AES',LEFT(TO_BASE64(RANDOM_BYTES(30)),32))" for key in STORED))
    assert found_in_dump(product, directory / "core") == {}, "keys were made"
    # From a start on nobody has fetched a key.
    server.restart()
    if name != "keyring_aws":  # It opens no key before it is asked for.
        assert found_in_dump(product, directory / "core2") == {}, "keys were loaded"
