# SPDX-License-Identifier: MIT
"""docs/aws_key_management.md: why INSTALL SONAME is too late, and the order in which one encryption
plugin takes the place of another."""

import os
import pathlib
import secrets

import pytest

from lab import aws_plugin, documents, mariadb, process

GUIDE = "docs/aws_key_management.md"
PAGE = "docs/encrypt_everything.md"
OLD_PLUGIN = pathlib.Path("/usr/lib/mysql/plugin/file_key_management.so")


def sql(section: str) -> list[str]:
    return [one.strip() for text in documents.blocks(PAGE, "sql", section)
            for one in text.split(";\n") if one.strip()]


def test_install_soname_is_too_late(kms, make_server):
    server = make_server(kms, store="SEALED")
    loaded = "--plugin-load-add=aws_key_management"
    server.options = [option.replace("--", "--loose-", 1) for option in server.options
                      if option != loaded]
    server.start()
    server.sql("INSTALL SONAME 'aws_key_management'")
    aws_plugin.make_table(server, "t", 1)
    server.stop()
    said = "cannot enable encryption, encryption plugin is not available"
    assert said in (documents.ROOT / GUIDE).read_text()
    with pytest.raises(process.Failed, match=said):
        server.start("--innodb-encrypt-log=ON")
    server.start()
    server.sql("UNINSTALL SONAME 'aws_key_management'")
    server.stop()
    server.options.append(loaded)
    server.start("--innodb-encrypt-log=ON")
    assert aws_plugin.readable(server, "t")


def encrypted(value: str) -> list[str]:
    """Every setting of the guide that encrypts, with this value; None: as the guide has it."""
    return [option.partition("=")[0] + f"={value}" if value and option.split("=")[1] in (
        "ON", "FORCE") else option for option in documents.settings(PAGE, "MariaDB")]


def write_aria_again(server) -> None:
    for (statement,) in server.sql(sql("MariaDB: what is still in clear")[2]):
        server.sql(statement)


def test_another_plugin_takes_over_in_the_order_of_the_guide(kms, directory):
    keys = directory / "keys"
    keys.write_text(f"1;{secrets.token_hex(32)}\n")
    os.chmod(keys, 0o644)
    old = ["--plugin-load-add=file_key_management", f"--file-key-management-filename={keys}"]
    new = aws_plugin.options(kms, store="SEALED")
    server = mariadb.MariaDB(directory / "m", plugins=[OLD_PLUGIN, aws_plugin.PLUGIN],
                             options=[*old, *encrypted("")], environment=kms.environment())
    try:
        server.start()
        aws_plugin.make_table(server, "t", 1)
        server.sql("CREATE TABLE d.aria (a INT) ENGINE=Aria; INSERT INTO d.aria VALUES (4711)")
        # 1. In the running server.
        off, still_encrypted = sql("MariaDB: decrypting again")
        server.sql("ALTER TABLE d.t ENCRYPTED=DEFAULT;" + off)
        process.wait_until(lambda: server.sql(still_encrypted) == [], "decrypted tables", 60)
        server.stop()

        # Without 2, InnoDB does not start under the new plugin, and nothing is damaged.
        server.options = [*new, *encrypted("OFF")]
        with pytest.raises(process.Failed):
            server.start()
        said = "no key at all is stored"
        assert said in aws_plugin.said(server) and "made version" not in aws_plugin.said(server)
        assert said in (documents.ROOT / GUIDE).read_text()

        # 2. The old plugin stays for one start.
        server.options = [*old, *encrypted("OFF")]
        server.start()
        write_aria_again(server)
        server.stop()

        # 3.
        server.options = [*new, *encrypted("")]
        server.start()
        assert aws_plugin.readable(server, "t")
        process.wait_until(lambda: server.sql(sql("MariaDB: what is still in clear")[0]) == [],
                           "encrypted tables", 60)
        write_aria_again(server)
        server.restart()
        assert aws_plugin.readable(server, "t") and server.value("SELECT a FROM d.aria") == "4711"
    finally:
        server.kill()
