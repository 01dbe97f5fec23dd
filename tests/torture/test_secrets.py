# SPDX-License-Identifier: MIT
"""Where plaintext keys and credentials can be read, and where not: core dumps, logs, variables, files.

What docs/threat_model.md promises, and what it does not, is what is tested here.
"""

import json
import pathlib
import random
import subprocess
import time

import pytest

from kmip.pie import client as pie_client

from lab import aws_client, aws_plugin, certificates, emulator, key_set, kmip_emulator, kmip_plugin, process
import core
import torture

HERE = pathlib.Path(__file__).resolve().parent
RECOVER = ["/usr/bin/python3", str(HERE.parents[1] / "docs" / "recover_sealed_keyring.py")]
HEADERS = "/usr/include/mariadb/server"

ACCESS_KEY = {"id": "AKIATORTURE000000001", "secret": "ntqsTx7DyLvZ0mPkQe4hJr5uWb2cVf8gA1iKo6Ys",
              "session_token": "".join(f"{word:08x}Zq" for word in range(0x51a2b3c4, 0x51a2b3c4 + 40 * 77777, 77777))}
IDENTITY = {"access_keys": [ACCESS_KEY], "roles": [], "web_identities": []}
CREDENTIALS = {"the secret access key": ACCESS_KEY["secret"].encode(),
               "the session token": ACCESS_KEY["session_token"].encode()}


@pytest.fixture
def identity(kms):
    kms.control("POST", "/identities", IDENTITY)


@pytest.fixture
def profile(directory, identity):
    """Credentials in a file, so that they are not in the environment, which every core dump shows."""
    path = directory / "credentials"
    path.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY['id']}\n"
                    f"aws_secret_access_key = {ACCESS_KEY['secret']}\n"
                    f"aws_session_token = {ACCESS_KEY['session_token']}\n")
    path.chmod(0o600)
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path)}


class Harness:
    """The plugin in a program that is not a server and keeps no key."""

    def __init__(self, directory: pathlib.Path, kms, environment: dict[str, str], store: str = "FILES"):
        self.keys = directory / "keys"
        self.keys.mkdir()
        self.start(directory, aws_plugin.PLUGIN, environment, keyfile_dir=self.keys, region=kms.region, endpoint_url=kms.url,
                   master_key_id=kms.alias, key_store=["AUTO", "FILES", "SEALED"].index(store))

    def start(self, directory: pathlib.Path, plugin: pathlib.Path, environment: dict[str, str], **variables) -> None:
        program = directory / "harness"
        subprocess.run(["cc", "-O1", f"-I{HEADERS}", f"-I{HEADERS}/private", HERE / "harness.c", "-rdynamic", "-o", program, "-ldl"],
                       check=True)
        self.child = subprocess.Popen(
            [program, plugin, *(f"{name}={value}" for name, value in variables.items())], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=process.bare_environment(directory, environment), cwd=directory)
        assert self.child.stdout.readline() == "ready\n"

    def do(self, what: str) -> int:
        self.child.stdin.write(what + "\n")
        self.child.stdin.flush()
        return int(self.child.stdout.readline())

    def __enter__(self) -> "Harness":
        return self

    def __exit__(self, *_) -> None:
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


class KmipHarness(Harness):
    """The same with kmip_key_management."""

    def __init__(self, directory: pathlib.Path, kmip):
        files = kmip.client_files("mariadb")
        self.start(directory, kmip_plugin.PLUGIN, {}, servers=f"127.0.0.1:{kmip.port}", server_ca=files["server_ca"],
                   client_cert=files["client_ca"], client_key=files["client_key"])


def keys_on(kmip) -> dict[str, bytes]:
    """Values of the keys of kmip_key_management."""
    files = kmip.client_files("mariadb")
    with pie_client.ProxyKmipClient(hostname="127.0.0.1", port=kmip.port, cert=files["client_ca"], key=files["client_key"],
                                    ca=files["server_ca"], ssl_version="PROTOCOL_TLSv1_2") as client:
        return {f"version {one['names'][0]}": client.get(one["id"]).value for one in kmip.objects()
                if one["state"] == "Active"}


def keys_of(kms, directory) -> dict[str, bytes]:
    if (directory / key_set.NAME).exists():
        return keys_of_set(kms, directory)
    watch = torture.KeyWatch(kms, directory)
    watch.check()
    return {f"version {version} of key {key_id}": plaintext
            for (key_id, version), plaintext in watch.plaintexts.items()}


def keys_of_set(kms, directory) -> dict[str, bytes]:
    """With the data key, which opens them all."""
    path = directory / key_set.NAME
    blob = subprocess.run([*RECOVER, "--blob", path], check=True, capture_output=True).stdout
    data_key = aws_client.decrypt(kms, blob, key_set.header(directory)[0])
    (directory / "data-key").write_bytes(data_key)
    lines = subprocess.run([*RECOVER, "--data-key", directory / "data-key", path], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    found = {f"version {one['owner']} of key {one['data_id']}": bytes.fromhex(one["key"])
             for one in map(json.loads, lines)}
    assert len(found) == len(lines)
    return {**found, "the data key": data_key}


def use_many(harness: Harness) -> None:
    for key_id in range(1, 9):
        assert harness.do(f"use {key_id}") == 1
    for key_id in (1, 2, -1):
        assert harness.do(f"rotate {key_id}") == 0
    assert harness.do("use 1") == 3


def promised(finds: list[core.Find]) -> dict:
    """What must not be there. A session token, of no use alone, passes through buffers that libcurl does not wipe."""
    return core.summary([find for find in finds if find.what != "the session token"])


def search(dump: core.Core, secrets: dict[str, bytes], known: bytes = b"alias/openkeyring") -> list[core.Find]:
    """All finds; a search that finds nothing at all proves nothing."""
    canary = "what is not a secret"
    found = dump.search({**secrets, canary: known})
    assert canary in {find.what for find in found}
    return [find for find in found if find.what != canary]


@pytest.fixture
def tls_kms(directory):
    """An emulator that speaks TLS, and what a client needs to trust it."""
    authority = certificates.Authority(directory / "ca")
    own = authority.server()
    with emulator.Emulator(directory / "tls", options=["--tls-cert", own.certificate, "--tls-key", own.key]) as running:
        running.start()
        running.control("POST", "/identities", IDENTITY)
        yield running, {"AWS_CA_BUNDLE": str(authority.certificate)}


@pytest.mark.parametrize("store", ["FILES", "SEALED"])
def test_a_core_dump_of_the_plugin_shows_no_key(directory, kms, profile, store):
    with Harness(directory, kms, profile, store) as harness:
        use_many(harness)
        dump = core.Core(harness.child.pid, directory / "core")
        keys = keys_of(kms, harness.keys)
    assert len(keys) == 18 + (store == "SEALED")
    found = search(dump, {**keys, **CREDENTIALS})
    assert promised(found) == {}, [str(find) for find in found][:20]


@pytest.mark.parametrize("store", ["FILES", "SEALED"])
def test_nor_does_it_after_tls(directory, tls_kms, profile, store):
    kms, trust = tls_kms
    with Harness(directory, kms, {**profile, **trust}, store) as harness:
        use_many(harness)
        dump = core.Core(harness.child.pid, directory / "core")
    keys = keys_of(kms, harness.keys)
    assert len(keys) >= 18
    found = search(dump, {**keys, **CREDENTIALS})
    assert promised(found) == {}, [str(find) for find in found][:20]


def test_nor_are_credentials_of_an_instance_there(directory, kms):
    kms.control("POST", "/imds", {"role": "torture"})
    with Harness(directory, kms, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url}) as harness:
        use_many(harness)
        dump = core.Core(harness.child.pid, directory / "core")
    issued = {f"the secret of {number}": key["secret"].encode()
              for number, key in enumerate(json.loads((kms.directory / "state.json").read_text())["access_keys"])}
    assert issued
    assert core.summary(search(dump, {**issued, **keys_of(kms, harness.keys)})) == {}


def test_nor_does_one_of_the_kmip_plugin(directory):
    with kmip_emulator.KmipEmulator(directory / "kmip").start() as kmip:
        with KmipHarness(directory, kmip) as harness:
            use_many(harness)
            dump = core.Core(harness.child.pid, directory / "core")
        keys = keys_on(kmip)
    assert len(keys) >= 18
    found = search(dump, keys, str(directory).encode())
    assert core.summary(found) == {}, [str(find) for find in found][:20]


def test_a_core_dump_of_the_server_shows_keys_only_where_the_server_put_them(directory, kms, make_server, profile):
    """MariaDB copies keys where it uses them; that is raw bytes. What travels is base64, and must not stay."""
    # By default InnoDB reserves terabytes of addresses, which the debugger would write out as zeros.
    server = make_server(environment=profile, options=["--loose-innodb-buffer-pool-size-max=64M",
                                                       "--innodb-buffer-pool-size=48M"]).start()
    torture.prepare(server)
    load = torture.Load(server, torture.Ledger(), random.Random(torture.SEED), ids=range(2, 12)).start()
    time.sleep(3)
    load.stop()
    dump = core.Core(server.process.pid, directory / "core")
    keys = keys_of(kms, server.data)
    assert len(keys) > 10
    keys = dict(sorted(keys.items())[:30])  # Enough, and quicker.
    found = search(dump, {**keys, **CREDENTIALS})
    copies = [find for find in found if find.what.startswith("version") and find.form == "raw bytes"]
    print(f"{len(keys)} keys; copies that the server made: {core.summary(copies)}")
    assert promised([find for find in found if find not in copies]) == {}, [str(find) for find in found][:20]


def test_no_secret_is_written_anywhere(directory, kms, make_server, profile):
    server = make_server(environment=profile, options=["--aws-key-management-log-level=Trace", "--general-log=1",
                                                       "--log-output=FILE", "--log-warnings=9"]).start()
    torture.prepare(server)
    load = torture.Load(server, torture.Ledger(), random.Random(torture.SEED), ids=range(2, 12),
                        tolerant=True).start()
    for kind in ("bad_json", "throttle", "cut_after", "truncate"):
        kms.fault(kind, "Decrypt", 2)
        time.sleep(0.3)
    load.stop()
    kms.clear_faults()
    keys = keys_of(kms, server.data)
    shown = "\n".join("\t".join(row) for row in server.sql("SHOW GLOBAL STATUS; SHOW GLOBAL VARIABLES"))
    shown_secrets = [what for what, secret in {**keys, **CREDENTIALS}.items()
                     for _, pattern in core.forms(secret) if pattern in shown.encode(errors="surrogateescape")]
    assert shown_secrets == []
    assert core.in_files(server.directory, {**keys, **CREDENTIALS}) == []
    server.stop()
    assert core.in_files(server.directory, {**keys, **CREDENTIALS}) == []
