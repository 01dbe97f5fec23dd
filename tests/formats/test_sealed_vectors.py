# SPDX-License-Identifier: MIT
"""docs/recover_sealed_keyring.py reads the test vectors in testvectors/sealed, and opens slots as
`openssl` does."""

import base64
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs/recover_sealed_keyring.py"
VECTORS = ROOT / "testvectors/sealed"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
ALL = {vector["file"].removesuffix(".sealed"): vector for vector in MANIFEST["vectors"]}

spec = importlib.util.spec_from_file_location("generate", VECTORS / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)
recover = generate.recover


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True)


def printed(ran: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture
def data_key(tmp_path):
    path = tmp_path / "data-key"
    path.write_bytes(bytes.fromhex(MANIFEST["data_key"]))
    return path


@pytest.mark.parametrize("name", ALL)
def test_a_vector_is_read_as_the_manifest_says(name, data_key):
    vector = ALL[name]
    ran = run("--data-key", data_key, VECTORS / vector["file"])
    assert b"Traceback" not in ran.stderr
    if vector["result"] in ("ok", "torn"):
        assert (ran.returncode, printed(ran)) == (0, vector["keys"])
        assert (b"crash" in ran.stderr) == (vector["result"] == "torn")
    elif vector["result"] == "newer":
        assert ran.returncode == 2
        assert b"knows" in ran.stderr or b"does not know" in ran.stderr
    else:
        assert ran.returncode in (1, 2) and b"crash" not in ran.stderr


def state_of(content: bytes, data_key: bytes) -> tuple[list[dict], str]:
    """The keys, and "", "torn" or "damaged"."""
    try:
        header = recover.Header(content)
        header.check(data_key)
    except recover.Damaged:
        return [], "damaged"
    log = recover.Log(content, header)
    keys, last = recover.keys_of(log, data_key)
    state = "" if not log.why else "torn" if log.is_torn(last) else "damaged"
    return [keys[name] for name in sorted(keys)], state


def test_every_changed_byte_and_every_truncation_of_a_key_set_is_noticed():
    content, data_key = (VECTORS / "key-set.sealed").read_bytes(), generate.DATA_KEY
    keys = ALL["key-set"]["keys"]
    assert state_of(content, data_key) == (keys, "")
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        found, state = state_of(bytes(changed), data_key)
        assert state == ("torn" if at >= len(content) - 20 else "damaged"), at
        assert all(key in keys for key in found)
        found, state = state_of(content[:at], data_key)
        assert all(key in keys for key in found)
        # A batch is there completely or not at all: 2, or 4.
        assert len(found) in (0, 1, 2, 4)


def test_names_and_slots_are_listed_without_any_key():
    ran = run(VECTORS / "v2-all-kinds.sealed")
    assert ran.returncode == 0
    names = [{k: v for k, v in key.items() if k != "key"} for key in ALL["v2-all-kinds"]["keys"]]
    assert printed(ran) == names
    for kind in (b"1: aws-kms alias/a", b"4: public-key", b"5: local-file", b"7: unknown kind 77"):
        assert b"key slot " + kind in ran.stderr


def private_pem() -> str:
    """PKCS#1, of the key that the vectors are made with."""
    p, q = generate.P, generate.Q
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = [0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    key = generate.der(0x30, b"".join(generate.der_number(number) for number in numbers))
    text = base64.encodebytes(key).decode()
    return f"-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n"


@pytest.fixture(params=["PKCS#1", "PKCS#8"])
def private_key(request, tmp_path):
    path = tmp_path / "private.pem"
    path.write_text(private_pem())
    if request.param == "PKCS#8":
        other = tmp_path / "private8.pem"
        subprocess.run(["openssl", "pkey", "-in", path, "-out", other], check=True)
        assert "BEGIN PRIVATE KEY" in other.read_text()
        return other
    return path


def test_a_private_key_opens_the_file(private_key):
    ran = run("--private-key", private_key, VECTORS / "v2-all-kinds.sealed")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert printed(ran) == ALL["v2-all-kinds"]["keys"]


def test_the_line_for_openssl_opens_a_public_key_slot(tmp_path):
    (tmp_path / "PRIVATE.pem").write_text(private_pem())
    ran = run("--blob", "--slot", "4", VECTORS / "v2-all-kinds.sealed")
    (tmp_path / "BLOB").write_bytes(ran.stdout)
    line = ran.stderr.decode().splitlines()[-1]
    assert line.startswith("openssl pkeyutl")
    subprocess.run(line, shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "KEY").read_bytes().hex() == MANIFEST["data_key"]


def test_a_local_secret_opens_the_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes.fromhex(MANIFEST["local_secret"]))
    ran = run("--local-secret", secret, VECTORS / "v2-all-kinds.sealed")
    assert (ran.returncode, printed(ran)) == (0, ALL["v2-all-kinds"]["keys"])
    secret.write_bytes(bytes(32))
    ran = run("--local-secret", secret, VECTORS / "v2-all-kinds.sealed")
    assert (ran.returncode, ran.stdout) == (2, b"") and b"another secret" in ran.stderr


def test_another_private_key_is_told(tmp_path):
    path = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "genrsa", "-out", path, "3072"], check=True, stderr=subprocess.DEVNULL
    )
    ran = run("--private-key", path, VECTORS / "v2-all-kinds.sealed")
    assert (ran.returncode, ran.stdout) == (2, b"") and b"another private key" in ran.stderr
    ran = run("--private-key", path, VECTORS / "v2-two-kms.sealed")
    assert ran.returncode == 2 and b"no public-key slot" in ran.stderr


def test_a_blob_comes_with_the_pairs_that_it_is_bound_to():
    ran = run("--blob", "--slot", "2", VECTORS / "v2-all-kinds.sealed")
    assert json.loads(ran.stderr.splitlines()[-1])["team"] == "old"
    ran = run("--blob", VECTORS / "v2-all-kinds.sealed")
    assert ran.stdout == generate.bytes_of("blob a", 40)
    assert "team" not in json.loads(ran.stderr.splitlines()[-1])


def test_the_generator_writes_the_same_again(tmp_path):
    for name in ("testvectors/sealed/generate.py", "docs/recover_sealed_keyring.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    again = tmp_path / "testvectors/sealed"
    subprocess.run([sys.executable, again / "generate.py"], check=True)
    for path in VECTORS.iterdir():
        if path.suffix in (".sealed", ".json"):
            assert (again / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list(again.glob("*.sealed"))) == len(ALL) == len(list(VECTORS.glob("*.sealed")))
