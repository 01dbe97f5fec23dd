# SPDX-License-Identifier: MIT
"""A full disk, a crowded directory, files that are links or belong to somebody else."""

import os
import subprocess

import pytest

from lab import aws_client, aws_plugin, process
from lab.mariadb import SqlError
import torture


@pytest.fixture
def small_disk(directory):
    """A file system of 256 KiB."""
    place = directory / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", place], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=False)


def fill(place) -> None:
    with open(place / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError as error:
            assert "No space" in str(error)


def create(server, key_id: int) -> None:
    server.sql(f"CREATE TABLE d.t{key_id} (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID={key_id};"
               f"INSERT INTO d.t{key_id} VALUES ({key_id})")


def creatable(server, key_id: int) -> bool:
    try:
        create(server, key_id)
        return True
    except SqlError:
        return False


def test_a_full_disk_fails_clearly_and_works_again_when_there_is_room(small_disk, kms, make_server):
    server = make_server(options=[f"--aws-key-management-keyfile-dir={small_disk}"]).start()
    torture.prepare(server)
    create(server, 5)
    watch = torture.KeyWatch(kms, small_disk)
    watch.check()
    fill(small_disk)
    told = "\n".join(row[-1] for row in server.failure_of(
        "CREATE TABLE d.t6 (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID=6"))
    assert "No space left on device" in told, told
    warnings = server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1")
    assert warnings and all("No space left on device" in row[-1] for row in warnings), warnings
    assert watch.leftovers() == []
    watch.check()
    assert (6, 1) not in aws_plugin.key_files(small_disk) and (5, 2) not in aws_plugin.key_files(small_disk)
    server.sql("INSERT INTO d.t5 VALUES (55)")
    (small_disk / "filler").unlink()
    process.wait_until(lambda: creatable(server, 6), "the key to be made", 20, every=0.2)
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=-1") == []
    watch.check(restarted=True)
    server.restart()
    assert server.sql("SELECT a FROM d.t5 UNION ALL SELECT a FROM d.t6") == [("5",), ("55",), ("6",)]
    server.stop()


def test_thousands_of_other_files_do_not_matter(kms, make_server):
    server = make_server()
    for number in range(5000):
        (server.data / f"some-file.{number}").touch()
    for name in ("aws-kms-key.x.1", "aws-kms-key.1", "aws-kms-key.01.1", "aws-kms-key.1.0", "aws-kms-keyring"):
        (server.data / name).write_text("not a key")
    server.start()
    torture.prepare(server)
    create(server, 5)
    server.restart()
    assert server.value("SELECT a FROM d.t5") == "5"
    status = dict(server.sql("SHOW GLOBAL STATUS LIKE 'aws_key_management_versions%'"))
    keys = [path for path in server.data.glob("aws-kms-key.?.?") if path.stat().st_size > 50]
    assert status == {"Aws_key_management_versions_loaded": str(len(keys)), "Aws_key_management_versions_failed": "0"}
    server.stop()


def test_a_link_is_followed_for_reading_and_never_for_writing(kms, make_server, directory):
    """docs/file_formats.md: links are the administrator's affair; a new file never goes through one."""
    server = make_server().start()
    torture.prepare(server)
    create(server, 5)
    server.stop()
    outside = directory / "outside"
    outside.mkdir()
    (server.data / "aws-kms-key.5.1").rename(outside / "moved")
    (server.data / "aws-kms-key.5.1").symlink_to(outside / "moved")
    (server.data / "aws-kms-key.6.1").symlink_to(outside / "nothing")
    server.start(seconds=20)
    assert "aws-kms-key.6.1" in "\n".join(torture.complaints(server)), "and it was not waited for"
    assert server.value("SELECT a FROM d.t5") == "5"
    assert not creatable(server, 6), "the name is taken"
    (server.data / "aws-kms-key.5.2").symlink_to(outside / "nothing")
    assert server.warnings_of("SET GLOBAL aws_key_management_rotate_key=5") == []
    assert (server.data / "aws-kms-key.5.3").is_file(), "a name that is taken is passed over"
    assert [path.name for path in outside.iterdir()] == ["moved"]
    server.stop()


def test_a_file_that_the_server_may_not_read_blocks_its_key_only(kms, make_server):
    if os.geteuid() != 0:
        pytest.skip("needs root, to run a server as another user")
    server = make_server(user="mysql").start()
    torture.prepare(server)
    create(server, 5)
    create(server, 6)
    server.stop()
    theirs = server.data / "aws-kms-key.5.1"
    content = theirs.read_bytes()
    os.chown(theirs, 0, 0)
    theirs.chmod(0o400)
    server.start()
    assert "Permission denied" in server.error_log()
    assert "aws-kms-key.5.1" in "\n".join(torture.complaints(server))
    assert server.value("SELECT a FROM d.t6") == "6"
    with pytest.raises(SqlError):
        server.sql("SELECT a FROM d.t5")
    server.sql("SET GLOBAL aws_key_management_rotate_key=5")
    assert theirs.read_bytes() == content and aws_client.read_bound(content)
    theirs.chmod(0o444)  # Whoever owns it: readable is enough.
    server.restart()
    assert server.value("SELECT a FROM d.t5") == "5"
    server.stop()
