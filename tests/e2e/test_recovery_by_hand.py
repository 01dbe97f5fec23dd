# SPDX-License-Identifier: MIT
"""Recovery by hand, as docs/file_formats.md has it: its programs cut the blob out of real files, and
the emulator opens it with the documented encryption context."""

import re
import subprocess

import pytest

from lab import aws_client, aws_plugin, documents, percona_file
from lab.patience import seconds

PAGE = "docs/file_formats.md"


def program(start: str) -> str:
    """The block that starts so, as far as it needs no AWS."""
    text, = (one for one in documents.blocks(PAGE, "sh") if one.startswith(f"python3 - {start}"))
    return text.partition("aws kms decrypt")[0]


def blob(text: str, directory) -> tuple[bytes, str]:
    """What the program writes, and what it says."""
    done = subprocess.run(["bash", "-ec", text], cwd=directory, text=True, capture_output=True,
                          timeout=seconds(20), check=True)
    return (directory / "blob").read_bytes(), done.stderr


def test_a_bound_key_file_of_mariadb(kms, make_server):
    server = make_server(kms).start()
    aws_plugin.make_table(server, "t", 1)
    server.stop()
    found, _ = blob(program("aws-kms-key.1.1"), server.data)
    bound = aws_client.read_bound((server.data / "aws-kms-key.1.1").read_bytes())
    assert found == bound.blob and len(aws_client.decrypt(kms, found, bound.pairs)) == 16


def test_a_file_in_perconas_format(kms, directory):
    percona_file.write(directory / "FILE", kms, kms.alias, [("", "k", "AES", b"k" * 16),
                                                            ("u@%", "k", "AES", b"u" * 16)])
    found, _ = blob(program("FILE k ''"), directory)
    assert aws_client.decrypt(kms, found) == b"k" * 16


@pytest.mark.sid
def test_a_key_of_keyring_aws(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql("SELECT keyring_key_store('INNODBKey-0a1b-1', 'AES', '0123456789abcdef')")
    server.stop()
    text = program("keyring_aws_data")
    found, said = blob(text.replace("''", "'root@localhost'"), server.keyring.parent)
    context = {"openkeyring:product": "keyring_aws", "openkeyring:type": "AES",
               "openkeyring:file-id": re.search(r"file id ([0-9a-f]{32})", said)[1],
               "openkeyring:key-id": "INNODBKey-0a1b-1", "openkeyring:owner": "root@localhost"}
    assert aws_client.decrypt(kms, found, context) == b"0123456789abcdef"
