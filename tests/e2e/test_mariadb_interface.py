# SPDX-License-Identifier: MIT
"""What SQL sees of the plugin: its row, its variables; as MariaDB's own plugin shows them."""

import re

import pytest

from lab.mariadb import ROOT, SqlError

# name: (type, default, read only). As in MariaDB's plugin.
VARIABLES = {
    "master_key_id": ("VARCHAR", "", False),
    "key_spec": ("ENUM", "AES_128", False),
    "rotate_key": ("INT", "0", False),
    "log_level": ("ENUM", "Off", False),
    "request_timeout": ("INT", "0", True),
    "region": ("VARCHAR", "", True),
    "endpoint_url": ("VARCHAR", "", True),
    "keyfile_dir": ("VARCHAR", "", True),
}
PREFIX = "aws_key_management_"


def one_server(make_server, kms, **more):
    return make_server(kms, **more).start()


def test_the_plugin_row(world, make_server):
    kms, installation = world
    server = one_server(make_server, kms, installation=installation)
    rows = server.sql("SELECT PLUGIN_VERSION, PLUGIN_STATUS, PLUGIN_TYPE, PLUGIN_LIBRARY, PLUGIN_MATURITY"
                      " FROM information_schema.PLUGINS WHERE PLUGIN_NAME='aws_key_management'")
    version = re.search(r"^project\(openkeyring VERSION (\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    assert rows == [(version, "ACTIVE", "ENCRYPTION", "aws_key_management.so", "Stable")]
    server.stop()


def test_the_variables_have_the_same_types_defaults_and_flags(world, make_server):
    # Also a test of layout: MariaDB 11.8 reads one member more of an enum's TYPELIB than 10.11 declares.
    kms, installation = world
    server = one_server(make_server, kms, installation=installation)
    rows = server.sql(
        "SELECT LOWER(VARIABLE_NAME), VARIABLE_TYPE, DEFAULT_VALUE, READ_ONLY, VARIABLE_SCOPE, NUMERIC_MIN_VALUE,"
        f" NUMERIC_MAX_VALUE, ENUM_VALUE_LIST FROM information_schema.SYSTEM_VARIABLES"
        f" WHERE VARIABLE_NAME LIKE '{PREFIX}%'")
    found = {row[0].removeprefix(PREFIX): row[1:] for row in rows}
    assert "mock" not in found, "the mock is for tests only"
    assert set(VARIABLES) <= set(found)
    for name, (kind, default, read_only) in VARIABLES.items():
        row = found[name]
        assert row[0].removesuffix(" UNSIGNED").removeprefix("BIG") == kind or (
            kind == "INT" and row[0] in ("INT", "BIGINT")), (name, row)
        assert row[1] == default, (name, row)
        assert row[2] == ("YES" if read_only else "NO"), (name, row)
        assert row[3] == "GLOBAL", (name, row)
    assert found["key_spec"][6] == "AES_128,AES_256"
    assert found["log_level"][6] == "Off,Fatal,Error,Warn,Info,Debug,Trace"
    assert found["rotate_key"][4] == "-1"
    server.stop()


def test_every_shown_value_is_accepted_as_an_option(kms, make_server):
    """mariadb-backup copies all of SHOW VARIABLES into its own command line."""
    server = one_server(make_server, kms)
    rows = server.sql(f"SHOW GLOBAL VARIABLES LIKE '{PREFIX}%'")
    assert len(rows) >= len(VARIABLES)
    server.restart(*[f"--{row[0].replace('_', '-')}={row[1] if len(row) > 1 else ''}" for row in rows])
    assert server.sql(f"SHOW GLOBAL VARIABLES LIKE '{PREFIX}%'") == rows
    server.stop()


@pytest.mark.parametrize("name", [name for name, row in VARIABLES.items() if row[2]])
def test_read_only_variables_cannot_be_set(name, kms, make_server):
    server = one_server(make_server, kms)
    with pytest.raises(SqlError) as caught:
        server.sql(f"SET GLOBAL {PREFIX}{name}=1")
    assert caught.value.code == 1238
    server.stop()


def test_key_spec_decides_the_length_of_new_keys(kms, make_server):
    server = one_server(make_server, kms)
    server.sql("CREATE DATABASE d; CREATE TABLE d.a (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=10")
    server.sql(f"SET GLOBAL {PREFIX}key_spec='AES_256'")
    server.sql("CREATE TABLE d.b (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=11; INSERT INTO d.b VALUES (7)")
    server.restart()
    assert server.value("SELECT a FROM d.b") == "7"
    assert server.variable(f"{PREFIX}key_spec") == "AES_128"
    server.stop()


def test_it_can_be_installed_while_the_server_runs(kms, make_server):
    server = make_server(kms)
    options = [option for option in server.options if not option.startswith("--plugin-load-add")]
    server.options = [option.replace("--aws", "--loose-aws", 1) for option in options]
    server.start()
    server.sql("INSTALL SONAME 'aws_key_management'")
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTED=YES; INSERT INTO d.t VALUES (1)")
    server.restart()
    assert server.value("SELECT a FROM d.t") == "1"
    server.stop()


def test_a_second_encryption_plugin_is_refused(kms, make_server, directory):
    keys = directory / "keys.txt"
    keys.write_text("1;" + "ab" * 16 + "\n")
    server = one_server(make_server, kms)
    server.add_plugin("/usr/lib/mysql/plugin/file_key_management.so")
    server.restart(f"--loose-file-key-management-filename={keys}")
    with pytest.raises(SqlError):
        server.sql("INSTALL SONAME 'file_key_management'")
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTED=YES")
    server.stop()


def test_a_status_variable_says_how_much_secret_memory_is_locked(kms, make_server):
    server = one_server(make_server, kms)
    (_, text), = server.sql(f"SHOW GLOBAL STATUS LIKE '{PREFIX}secret_memory'")
    assert re.match(r"[1-9]\d* bytes, ", text), text
    server.stop()
