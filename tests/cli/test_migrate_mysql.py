# SPDX-License-Identifier: MIT
"""keyringctl migrate and convert on the keyrings of real servers: the tables stay readable."""

import fcntl

import pytest

from changing import Tool, snapshot
from lab import aws_plugin, kmip_component, kms_component, mariadb

TABLES = """CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT) ENCRYPTION='Y';
    INSERT INTO d.t VALUES (1,'in a table');"""


@pytest.fixture
def server(directory, kms):
    made = kms_component.MySQLWithKms(
        directory / "m",
        kms,
        plugins=[kmip_component.LIBRARY],
        options=["--default-table-encryption=ON", "--innodb-redo-log-encrypt=ON"],
    )
    yield made
    made.kill()


def check(server, tool, *words) -> None:
    """After a start the table is readable, and a new master key can be made. With `words`, which
    name its keyring, the tool sees the server's lock."""
    server.start()
    assert server.value("SELECT b FROM d.t WHERE a=1") == "in a table"
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY")
    if words:
        reply = tool.json("migrate", *words, "--allow-plaintext", "--yes", code=5)
        assert "in use by process" in reply["message"] and "nothing was changed" in reply["message"]
    server.stop()


@pytest.mark.sid
def test_from_mysqls_file_to_ours_and_on_and_back_the_tables_stay_readable(
    server, tool, kmip, directory
):
    plain = server.use_keyring_file()
    server.start()
    server.sql(TABLES)
    server.stop()
    place = server.plugin_directory
    common = ("--datadir", server.data, "--yes")
    kms_config = place / "component_keyring_kms.cnf"
    reply = tool.json("migrate", place / "component_keyring_file.cnf", kms_config, *common)
    assert reply["copied"] >= 1
    plain.rename(directory / "away")
    server.configure()
    check(server, tool, kms_config, f"component_keyring_file:{directory}/nowhere")

    kmip_config = place / "component_keyring_kmip.cnf"
    server.write_config("component_keyring_kmip", kmip_component.config(kmip, "mysql-migrated"))
    reply = tool.json("migrate", kms_config, kmip_config, *common)
    assert reply["copied"] >= 2, "the rotated master key, too"
    server.write_manifest("component_keyring_kmip")
    server.keyring.rename(directory / "away.too")
    check(server, tool)

    tool.json(
        "migrate", kmip_config, f"component_keyring_file:{plain}", "--allow-plaintext", *common
    )
    server.use_keyring_file()
    check(server, tool)


@pytest.mark.sid
def test_a_converted_file_serves_the_server(server, tool, directory):
    server.configure(file_format="percona")
    server.start()
    server.sql(TABLES)
    server.stop()
    config = server.plugin_directory / "component_keyring_kms.cnf"
    for number, file_format in enumerate(("sealed", "percona", "sealed")):
        made = directory / f"converted-{number}"
        tool.run(
            "convert",
            "--config",
            config,
            "--datadir",
            server.data,
            "--to",
            file_format,
            "--output",
            made,
            "--yes",
        )
        server.keyring.unlink()
        server.keyring = made
        server.configure()
        check(server, tool, config, f"component_keyring_file:{directory}/nowhere")


def test_converted_key_files_serve_mariadb(tool: Tool, directory, kms):
    keys = directory / "keys"
    keys.mkdir()
    server = mariadb.MariaDB(
        directory / "m",
        mariadb.mariadb_10(),
        plugins=[aws_plugin.PLUGIN],
        options=[
            *aws_plugin.options(kms),
            f"--aws-key-management-keyfile-dir={keys}",
            "--aws-key-management-bind-key-id=OFF",
        ],
        environment=kms.environment(),
    )
    try:
        server.start()
        aws_plugin.make_tables(server, {"one": 1, "two": 2})
        server.stop()
        options = directory / "my.cnf"
        lines = [line.removeprefix("--") for line in aws_plugin.options(kms)]
        for target in ("bound", "raw", "bound"):
            options.write_text(
                "[mariadb]\n" + "\n".join(lines) + f"\ndatadir={server.data}\n"
                f"aws-key-management-keyfile-dir={keys}\n"
            )
            made = directory / f"{target}-{keys.name}"
            tool.run(
                "convert",
                "--product",
                "aws_key_management",
                "--defaults-file",
                options,
                "--to",
                target,
                "--output",
                made,
                "--yes",
            )
            keys.rename(directory / f"away-{keys.name}")
            keys = made
            bind = "OFF" if target == "raw" else "REQUIRED"
            server.options = [
                *aws_plugin.options(kms),
                f"--aws-key-management-keyfile-dir={keys}",
                f"--aws-key-management-bind-key-id={bind}",
            ]
            server.start()
            assert aws_plugin.readable(server, "one") and aws_plugin.readable(server, "two")
            running = tool.json(
                "convert",
                "--product",
                "aws_key_management",
                "--datadir",
                server.data,
                "--to",
                "raw",
                "--output",
                directory / "x",
                "--yes",
                code=5,
            )
            assert "pid" in running["message"]
            server.stop()
    finally:
        server.kill()


def test_a_key_set_goes_back_to_key_files(tool: Tool, directory, kms):
    """Tables that were encrypted with a key set are read with key files."""
    server = mariadb.MariaDB(
        directory / "m",
        mariadb.mariadb_10(),
        plugins=[aws_plugin.PLUGIN],
        options=aws_plugin.options(kms, store="SEALED"),
        environment=kms.environment(),
    )
    options = directory / "my.cnf"
    lines = [line.removeprefix("--") for line in aws_plugin.options(kms, store="SEALED")]
    options.write_text("[mariadb]\n" + "\n".join(lines) + f"\ndatadir={server.data}\n")
    named = ("--product", "aws_key_management", "--defaults-file", options)
    bound = directory / "bound"
    words = ("convert", *named, "--to", "bound", "--output", bound)
    try:
        server.start()
        aws_plugin.make_tables(server, {"one": 1, "two": 2})
        assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
        assert "pid" in tool.json(*words, "--yes", code=5)["message"] and not bound.exists()
        server.stop()
        before = snapshot(server.data)
        tool.run(*words, code=6)
        assert "4 bound key files" in tool.json(*words, "--dry-run")["plan"][0]["detail"]
        with open(server.data / "aws-kms-key-set", "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # As a server does that is not found otherwise.
            tool.run(*words, "--yes", code=5)
        kms.fault(operation="Decrypt", count=-1, kind="http_status", status=503, body="")
        tool.run(*words, "--yes", code=4)
        kms.clear_faults()
        # A version that was made and is not in the set: an older copy was put back.
        (server.data / "aws-kms-key-made.9.1").touch()
        old = tool.run(*words, "--yes", code=3)
        assert "lacks version 1 of key 9" in old.stderr and not bound.exists()
        (server.data / "aws-kms-key-made.9.1").unlink()
        assert tool.json(*words, "--yes")["compared"] == 4
        assert snapshot(server.data) == before
        assert set(aws_plugin.key_files(bound)) == {(1, 1), (1, 2), (2, 1), (2, 2)}
        server.start(
            "--aws-key-management-key-store=FILES", f"--aws-key-management-keyfile-dir={bound}"
        )
        assert aws_plugin.readable(server, "one") and aws_plugin.readable(server, "two")
        assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=1") == []
        server.stop()
        assert (1, 3) in aws_plugin.key_files(bound)
    finally:
        server.kill()
