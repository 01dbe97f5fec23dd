# SPDX-License-Identifier: MIT
"""keyringctl migrate with a real MariaDB: its tables are read under the other plugin, and back."""

import subprocess

import pytest

from lab import aws_plugin, kmip_plugin, mariadb, process
from lab.patience import seconds
from lab.service import PRODUCTS


@pytest.mark.parametrize("store", ["FILES", "SEALED"])
def test_tables_are_read_under_the_other_plugin_and_back(store, directory, kms, kmip_servers, kmip_user):
    kmip = kmip_servers["emulator"]
    aws = [*aws_plugin.options(kms, store=store), "--innodb-encryption-threads=2",
           "--innodb-encryption-rotate-key-age=1"]
    other = [*kmip_plugin.options(kmip, kmip_user), *aws[-2:]]
    server = mariadb.MariaDB(directory / "m", plugins=[aws_plugin.PLUGIN, kmip_plugin.PLUGIN],
                             options=aws, environment=kms.environment())
    # One option file, for the tool: what either plugin is told.
    options = directory / "my.cnf"
    options.write_text(f"[mariadb]\ndatadir={server.data}\n" + "\n".join(
        word.removeprefix("--") for word in [*aws[:-2], *other[:-2]]
        if not word.startswith("--plugin-load")) + "\n")

    def migrate(source: str, target: str) -> None:
        done = subprocess.run(
            [PRODUCTS / "keyringctl", "migrate", f"{source}:{options}", f"{target}:{options}",
             "--datadir", server.data, "--yes"], text=True, capture_output=True, check=False,
            timeout=seconds(60), env=process.bare_environment(directory, kms.environment()))
        assert done.returncode == 0, done

    try:
        server.start()
        aws_plugin.make_tables(server, {"one": 1, "two": 2})
        server.sql("SET GLOBAL aws_key_management_rotate_key=1")
        aws_plugin.make_table(server, "later", 1)
        server.stop()
        migrate("aws_key_management", "kmip_key_management")

        server.options = other
        server.start()
        assert all(aws_plugin.readable(server, name) for name in ("one", "two", "later"))
        assert server.value("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                            " WHERE VARIABLE_NAME='kmip_key_management_versions_loaded'") == "3"
        server.sql("SET GLOBAL kmip_key_management_rotate_key=2")
        aws_plugin.make_table(server, "there", 2)
        server.stop()
        migrate("kmip_key_management", "aws_key_management")

        server.options = aws
        server.start()
        assert all(aws_plugin.readable(server, name) for name in ("one", "two", "later", "there"))
        assert aws_plugin.key_versions(server, "d/there") == (2, 2)
        server.stop()
    finally:
        server.kill()
