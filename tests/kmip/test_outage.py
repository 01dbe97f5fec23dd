# SPDX-License-Identifier: MIT
"""Servers that die, hang and come back."""

import time

import pytest
from lab.kmip_emulator import KmipEmulator
from lab.pykmip import PyKmip

from client import Refused

KEY = bytes(16)


def test_a_real_server_that_is_killed_and_comes_back(tool, directory):
    with PyKmip(directory / "pykmip").start() as server:
        client = tool.open([server.port], server.client_files(), deadline_ms=3000)
        id = client.register(KEY, names=["n"])
        server.kill()
        with pytest.raises(Refused) as refused:
            client.get(id)
        assert refused.value.code == "Unavailable"
        assert str(server.port) in refused.value.message
        with pytest.raises(Refused) as refused:
            client.register(KEY, names=["m"])
        assert refused.value.code == "Unavailable" and not refused.value.lost
        server.start()
        assert client.value(id) == KEY


def test_the_second_server_is_used_while_the_first_is_away(tool, directory):
    with KmipEmulator(directory / "emulator", servers=2).start() as pair:
        client = tool.open(pair.ports, pair.client_files())
        id = client.register(KEY, names=["n"])
        assert client.status()["server"].endswith(str(pair.ports[0]))
        pair.stop_server(0)
        assert client.value(id) == KEY
        client.register(KEY, names=["m"])
        assert client.status()["server"].endswith(str(pair.ports[1]))
        assert "failed" in client.status()["log"]
        pair.start_server(0)
        pair.stop_server(1)
        assert client.value(id) == KEY


def test_a_store_whose_answer_is_lost_is_found_by_looking(tool, directory):
    with KmipEmulator(directory / "emulator").start() as server:
        client = tool.open([server.port], server.client_files())
        client.register(KEY, names=["before"])
        server.fault("cut_after", "Register")
        with pytest.raises(Refused) as refused:
            client.register(KEY, names=["lost"])
        assert refused.value.lost
        [id] = client.locate(names=["lost"])
        assert client.value(id) == KEY
        assert server.counters()["operations"]["Register"] == 2


def test_a_hanging_server_costs_the_deadline(tool, directory):
    with KmipEmulator(directory / "emulator").start() as server:
        client = tool.open([server.port], server.client_files(), deadline_ms=700, request_timeout_ms=400)
        id = client.register(KEY, names=["n"])
        server.fault("hang", count=-1)
        started = time.monotonic()
        with pytest.raises(Refused) as refused:
            client.get(id)
        assert refused.value.code == "Timeout"
        assert time.monotonic() - started < 5


MAKERS = {"pykmip": PyKmip, "emulator": KmipEmulator}


def test_the_lab_stops_starts_and_lists_either_server(kind, tool, directory):
    with MAKERS[kind](directory / "server").start() as server:
        port = server.port
        client = tool.open([port], server.client_files("me"), deadline_ms=3000)
        id = client.register(KEY, names=["n"], groups=["g"], info=[["openkeyring", "data"]])
        server.stop()
        with pytest.raises(Refused) as refused:
            client.get(id)
        assert refused.value.code == "Unavailable"
        server.start()
        assert server.port == port
        assert client.value(id) == KEY
        server.restart()
        assert client.value(id) == KEY
        [shown] = server.objects()
        assert {name: shown[name] for name in ("id", "owner", "names", "groups", "info")} == {
            "id": id, "owner": "me", "names": ["n"], "groups": ["g"], "info": [["openkeyring", "data"]]}


def test_the_lab_lets_either_server_hang(kind, tool, directory):
    with MAKERS[kind](directory / "server").start() as server:
        client = tool.open([server.port], server.client_files(), deadline_ms=700, request_timeout_ms=400)
        id = client.register(KEY, names=["n"])
        server.hang()
        with pytest.raises(Refused) as refused:
            client.get(id)
        assert refused.value.code == "Timeout"
        server.resume()
        patient = tool.open([server.port], server.client_files())
        assert patient.value(id) == KEY


def test_a_killed_emulator_keeps_its_port_but_no_objects(tool, directory):
    with KmipEmulator(directory / "emulator", latency_ms=30).start() as server:
        client = tool.open([server.port], server.client_files(), deadline_ms=3000)
        id = client.register(KEY, names=["n"])
        started = time.monotonic()
        client.get(id)
        assert time.monotonic() - started >= 0.03
        server.latency(0)
        assert server.calls("Get") == 1
        port = server.port
        server.kill()
        server.start()
        assert server.port == port
        assert client.locate(names=["n"]) == []


def test_the_emulator_shows_no_values(tool, directory):
    with KmipEmulator(directory / "emulator").start() as server:
        client = tool.open([server.port], server.client_files("me"))
        client.register(b"0123456789abcdef", names=["n"], groups=["g"])
        [shown] = server.objects()
        assert shown["owner"] == "me" and shown["names"] == ["n"] and shown["groups"] == ["g"]
        assert "0123456789abcdef" not in str(shown)


def test_the_emulator_makes_certificates_and_ends_with_its_parent(directory):
    import json
    import subprocess
    from lab import process
    from lab.mariadb import PRODUCTS
    parent = subprocess.Popen(["sleep", "60"])
    ready = directory / "ready.json"
    made = process.Process([PRODUCTS / "kmip-emulator", "--make-certificates", directory, "--ready-file", ready,
                            "--parent-pid", parent.pid, "--behaviour", '{"versions": ["1.2"]}'],
                           directory / "log", process.bare_environment(directory))
    process.wait_until(ready.exists, "the emulator", 20)
    told = json.loads(ready.read_text())
    assert ready.stat().st_mode & 0o777 == 0o600
    for name in ("server_ca", "client_ca", "client_key"):
        assert (directory / told[name]).exists()
    parent.kill()
    parent.wait()
    assert made.wait(20) == 0


def test_a_server_with_other_objects_does_not_answer_for_the_first(tool, directory):
    with KmipEmulator(directory / "one").start() as one, \
            KmipEmulator(directory / "two", one.authority, certificate=one.certificate).start() as two:
        client = tool.open([one.port, two.port], one.client_files())
        id = client.register(KEY, names=["n"])
        assert [one.objects()[0]["id"], two.objects()] == [id, []]
        one.stop()
        with pytest.raises(Refused) as refused:
            client.get(id)  # An operation of its own, on the other server.
        assert refused.value.code == "NotFound"
        assert client.status()["server"].endswith(str(two.port))
