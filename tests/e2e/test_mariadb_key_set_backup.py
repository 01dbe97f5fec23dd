# SPDX-License-Identifier: MIT
"""mariadb-backup of servers with a key set: full, incremental, while keys are made; and restored."""

import threading

from lab import aws_plugin, key_set
from lab.mariadb import SqlError
from test_mariadb_backup import ENCRYPTED, back_up, backup_program, fill, intact, restore, run_backup_program

DONE_BYTES = 20  # Of a record's mark.
ROTATE = "SET GLOBAL aws_key_management_rotate_key"


def chain(server, directory) -> tuple:
    """A full backup and an increment; between them new ids, rotations and a restart."""
    full, more = directory / "full", directory / "more"
    fill(server, "a", 1)
    back_up(server, full)
    fill(server, "b", 5)
    assert server.warnings_of(f"{ROTATE}=-1") == []
    server.restart()
    fill(server, "c", 5)
    back_up(server, more, f"--incremental-basedir={full}")
    return full, more


def test_a_full_and_an_incremental_backup_are_restored(installation, kms, make_server, directory):
    server = make_server(kms, store="AUTO", installation=installation, options=ENCRYPTED).start()
    full, more = chain(server, directory)
    server.stop()
    content = (server.data / key_set.NAME).read_bytes()
    assert (5, 2) not in key_set.versions(full) and (5, 2) in key_set.versions(more)
    backup_program(server, "--prepare", f"--target-dir={full}")
    kms.reset_counters()
    backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={more}")
    assert kms.calls("Decrypt") == 1 and kms.calls("GenerateDataKey") == 0
    restore(server, full)
    assert (server.data / key_set.NAME).read_bytes() == content
    assert (server.data / key_set.MADE).exists() and (server.data / aws_plugin.INSTALLATION).exists()
    server.start()
    assert all(intact(server, name) for name in "abc")
    assert server.warnings_of(f"{ROTATE}=5") == []
    server.stop()


def test_a_set_whose_only_record_lost_its_mark_is_backed_up(kms, make_server, directory):
    """A power cut may take the mark, which proves the record to who has no key."""
    server = make_server(kms, store="AUTO", environment={"AWS_MAX_ATTEMPTS": "1"}, options=[
        *ENCRYPTED, "--aws-key-management-startup-deadline=2"]).start()
    fill(server, "a", 1)
    server.stop()
    assert set(key_set.versions(server.data)) == {(1, 1)}
    path = server.data / key_set.NAME
    path.write_bytes(path.read_bytes()[:-DONE_BYTES])
    server.start()
    assert intact(server, "a")
    full = directory / "full"
    back_up(server, full)
    server.stop()
    kms.stop()
    code, output = run_backup_program(server, "--prepare", f"--target-dir={full}")
    assert code != 0 and "not known yet" in output and "nothing of that key" not in output
    kms.start()
    backup_program(server, "--prepare", f"--target-dir={full}")
    restore(server, full)
    server.start()
    assert intact(server, "a")
    server.stop()


def test_an_increment_without_its_keys_or_of_another_server_is_refused(kms, make_server, directory):
    server = make_server(kms, store="AUTO", options=ENCRYPTED).start()
    full, more = chain(server, directory)
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    kept = (more / key_set.NAME).read_bytes()
    (more / key_set.NAME).write_bytes((full / key_set.NAME).read_bytes())  # An older copy.
    arguments = ["--prepare", f"--target-dir={full}", f"--incremental-dir={more}"]
    code, output = run_backup_program(server, *arguments)
    assert code != 0 and "encrypted with key 5" in output and "mariadb-backup is stopped" in output, output[-2000:]
    other = make_server(kms, name="other", store="AUTO", options=ENCRYPTED).start()
    other.stop()
    (more / key_set.NAME).write_bytes((other.data / key_set.NAME).read_bytes())
    code, output = run_backup_program(server, *arguments)
    assert code != 0 and "does not belong to this full backup" in output, output[-2000:]
    (more / key_set.NAME).write_bytes(kept)
    backup_program(server, *arguments)
    restore(server, full)
    server.start()
    assert all(intact(server, name) for name in "abc")
    server.stop()


def test_a_backup_while_keys_are_made_is_restored(installation, kms, make_server, directory):
    server = make_server(kms, store="AUTO", installation=installation,
                         options=[*ENCRYPTED, "--aws-key-management-key-source=LOCAL"]).start()
    fill(server, "a", 1)
    fill(server, "b", 5)
    stop = threading.Event()
    made = []
    # The redo log's key as well, but not where mariadb-backup encrypts its copy of the log itself and mixes versions up.
    all_keys = not installation.version.startswith("10.5.")

    def work():
        for number in range(10, 5000):
            if stop.is_set():
                return
            try:
                server.sql(f"CREATE TABLE d.t{number} (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID={number};"
                           f"INSERT INTO d.t{number} VALUES ({number}); {ROTATE}={-1 if all_keys else number}")
            except SqlError:
                return  # A lock of the backup's took too long.
            made.append(number)

    worker = threading.Thread(target=work)
    worker.start()
    target, more = directory / "full", directory / "more"
    back_up(server, target)
    back_up(server, more, f"--incremental-basedir={target}")
    stop.set()
    worker.join()
    assert len(made) > 1
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={target}")
    backup_program(server, "--prepare", f"--target-dir={target}", f"--incremental-dir={more}")
    restore(server, target)
    server.start()
    assert intact(server, "a") and intact(server, "b")
    names = server.sql("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='d' AND TABLE_NAME LIKE 't%'")
    for (name,) in names:
        assert server.value(f"SELECT a FROM d.{name}") == name[1:]
    assert aws_plugin.status(server)["versions_failed"] == "0"
    server.stop()


def test_a_backup_from_before_the_import_goes_with_an_increment_from_after_it(kms, make_server, directory):
    server = make_server(kms, store="AUTO", options=ENCRYPTED).start("--aws-key-management-key-store=FILES")
    full, more = directory / "full", directory / "more"
    fill(server, "a", 5)
    back_up(server, full)
    server.restart("--aws-key-management-key-store=SEALED")
    fill(server, "b", 6)
    back_up(server, more, f"--incremental-basedir={full}")
    server.stop()
    backup_program(server, "--prepare", f"--target-dir={full}")
    backup_program(server, "--prepare", f"--target-dir={full}", f"--incremental-dir={more}")
    restore(server, full)
    server.start()
    assert intact(server, "a") and intact(server, "b")
    assert aws_plugin.status(server)["key_store"] == "SEALED"
    server.stop()
