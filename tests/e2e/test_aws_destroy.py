# SPDX-License-Identifier: MIT
"""The guide's way to destroy an old version of a key, followed to the end."""

import re

from lab import aws_plugin, mariadb, process
from lab.aws_plugin import ENCRYPT_ALL, make_table, readable

GUIDE = mariadb.ROOT / "docs" / "aws_key_management.md"


def statements() -> list[str]:
    """The SQL of the guide's section, in order."""
    section = GUIDE.read_text().split("## Destroying an old version\n")[1].split("\n## ")[0]
    return [line.strip() for block in re.findall(r"```sql\n(.*?)```", section, re.S)
            for line in block.split(";\n") if line.strip()]


def test_one_rotation_encrypts_no_old_page_again(kms, make_server):
    server = make_server(kms, options=ENCRYPT_ALL).start()
    make_table(server, "t", 1)
    server.sql("SET GLOBAL aws_key_management_rotate_key=1")
    server.sql("SELECT SLEEP(3)")
    assert aws_plugin.key_versions(server, "d/t")[0] == 1
    server.stop()


def test_an_old_version_is_destroyed_as_the_guide_says(kms, make_server):
    server = make_server(kms, options=[*ENCRYPT_ALL, "--innodb-encryption-rotate-key-age=1"]).start()
    make_table(server, "t", 1)
    server.sql("CREATE TABLE d.aria (a INT) ENGINE=Aria; INSERT INTO d.aria VALUES (1)")
    rotate, rotate_again, verify, rebuild, rotate_binlog, purge = statements()
    server.sql(rotate)
    server.sql(rotate_again)
    process.wait_until(lambda: server.sql(verify) == [], "all pages to be encrypted with a newer version", 60)
    for (statement,) in server.sql(rebuild):
        server.sql(statement)
    server.stop()
    server.start("--innodb-log-file-size=12M")  # "with another innodb_log_file_size"
    server.sql(rotate_binlog)
    server.sql("SELECT SLEEP(1)")  # BEFORE NOW() counts in seconds.
    server.sql(purge)
    server.stop()
    (server.data / "aws-kms-key.1.1").unlink()
    server.start("--innodb-log-file-size=12M")
    assert readable(server, "t") and server.value("SELECT a FROM d.aria") == "1"
    assert server.sql("CHECK TABLE d.t, d.aria") == [("d.t", "check", "status", "OK"),
                                                     ("d.aria", "check", "status", "OK")]
    make_table(server, "u", 1)
    server.sql("SHOW BINLOG EVENTS LIMIT 5")
    server.kill()
    server.start("--innodb-log-file-size=12M")
    assert readable(server, "t") and readable(server, "u")
    server.stop()
