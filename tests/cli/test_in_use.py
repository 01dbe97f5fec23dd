# SPDX-License-Identifier: MIT
"""Who uses a keyring: a MariaDB server, whose key files have no lock, and the holder of a lock."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from changing import SOME, kmip_config, kms_config, plain_config, snapshot, write_plain
from test_migrate import plugin_file

from lab import aws_plugin, percona_file, process

PYTHON = """
import mmap, os, sys, time
os.chdir(sys.argv[1])
held = [mmap.mmap(os.open(word[10:], os.O_RDONLY), 0, prot=mmap.PROT_READ)
        for word in sys.argv if word.startswith("--library=")]
print("up", flush=True)
time.sleep(600)
"""


class KeyFiles:
    """MariaDB's key files outside of a data directory, and an option file that names both."""

    def __init__(self, tool, directory, kms):
        self.tool, self.directory = tool, directory
        self.keys, self.data, self.option_file = (
            directory / name for name in ("keys", "data", "my.cnf"))
        for made in (self.keys, self.data):
            made.mkdir()
        for version in (1, 2):
            (self.keys / f"aws-kms-key.{version}.1").write_bytes(
                percona_file.encrypt(kms, kms.alias, bytes(15) + bytes([version])))
        self.options = [*aws_plugin.options(kms), f"--aws-key-management-keyfile-dir={self.keys}"]
        self.write_options(f"--datadir={self.data}")

    def write_options(self, *more):
        self.option_file.write_text("[mariadb]\n" + "\n".join(
            word.removeprefix("--") for word in (*self.options, *more)) + "\n")

    def named(self, *words) -> tuple:
        return ("--product", "aws_key_management", *words)

    def convert(self, *words, code=0, **more):
        return self.tool.run("convert", *self.named(*words), "--to", "bound", "--output",
                             self.directory / "out", "--yes", code=code, **more)


@pytest.fixture
def key_files(tool, directory, kms):
    return KeyFiles(tool, directory, kms)


@pytest.fixture
def serve():
    """A function that starts what calls itself a server; it ends with the test."""
    made = []

    def begin(working_directory, *words, name="mariadbd", through=(), **more) -> int:
        command = ["-c", PYTHON, str(working_directory), *map(str, words)]
        if through:
            command = [*through, f"/nowhere/{name}", sys.executable, *command]
        else:
            command, more = [f"/nowhere/{name}", *command], {**more, "executable": sys.executable}
        made.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more))
        assert made[-1].stdout.readline() == "up\n"
        return made[-1].pid
    yield begin
    for one in made:
        one.kill()
        one.wait()


@pytest.fixture
def serve_apart(serve):
    """A server with mounts of its own, as a container or a service has: `mounts` are the arguments
    of mount, made before it starts."""
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("needs mounts of its own")

    def begin(mounts, *words, name) -> int:
        made = [f"mount {' '.join(map(str, one))} &&" for one in mounts]
        return serve("/", *words, name=name, through=[
            "unshare", "--mount", "bash", "-c", f'{" ".join(made)} exec -a "$0" "$@"'])
    return begin


@pytest.mark.parametrize("spelling", [lambda path: path, lambda path: f"{path}/",
                                      lambda path: f"{path.parent}/./{path.name}"],
                         ids=["same", "slash", "dot"])
@pytest.mark.parametrize("by", ["datadir", "option file", "link"])
def test_a_server_of_the_same_data_directory_is_seen(key_files, serve, spelling, by):
    pid = serve("/", f"--datadir={spelling(key_files.data)}")
    words = ("--defaults-file", key_files.option_file)
    if by == "datadir":
        words += ("--datadir", key_files.data)
    if by == "link":
        (key_files.directory / "link").symlink_to(key_files.data)
        words += ("--datadir", key_files.directory / "link")
    before = snapshot(key_files.directory)
    done = key_files.convert(*words, code=5)
    assert f"pid {pid}" in done.stderr and "nothing was changed" in done.stderr
    assert snapshot(key_files.directory) == before


@pytest.mark.parametrize("how", ["keys", "relative", "working directory", "another user"])
def test_a_server_that_uses_the_key_files_is_seen_however_it_was_started(key_files, serve, how):
    """Not by what it says alone: a server works in its data directory."""
    if how == "another user" and os.geteuid() != 0:
        pytest.skip("needs another user")
    elsewhere = key_files.directory / "elsewhere"
    elsewhere.mkdir()
    option = f"--aws-key-management-keyfile-dir={key_files.keys}"
    if how == "keys":
        pid = serve("/", f"--datadir={elsewhere}", option)
    elif how == "relative":
        pid = serve("/", f"--datadir={elsewhere}", "--loose-aws_key_management_keyfile_dir=../keys")
    elif how == "another user":
        pid = serve("/", f"--datadir={elsewhere}", option, user="nobody", group="nogroup",
                    extra_groups=[])
    else:
        pid = serve(key_files.data)
    done = key_files.convert("--defaults-file", key_files.option_file, code=5)
    assert f"pid {pid}" in done.stderr
    done = key_files.tool.run("rewrap", *key_files.named(
        "--defaults-file", key_files.option_file), "--yes", code=5)
    assert f"pid {pid}" in done.stderr


def test_a_server_of_other_directories_is_none_of_ours(key_files, serve):
    elsewhere = key_files.directory / "elsewhere"
    elsewhere.mkdir()
    serve(elsewhere, f"--datadir={elsewhere}",
          f"--aws-key-management-keyfile-dir={elsewhere}")
    key_files.convert("--defaults-file", key_files.option_file)


def test_of_a_server_whose_options_are_not_known_there_is_a_warning(key_files, serve):
    elsewhere = key_files.directory / "elsewhere"
    elsewhere.mkdir()
    pid = serve(elsewhere, f"--datadir={elsewhere}")
    done = key_files.convert("--defaults-file", key_files.option_file)
    assert f"process {pid} (/nowhere/mariadbd)" in done.stderr and "not read" in done.stderr


@pytest.mark.parametrize("place", ["--path", "--datadir"])
def test_nothing_is_restored_under_a_server_that_runs(key_files, serve, place):
    """Also where no key file is left: it may be about to make one."""
    files, tool = key_files, key_files.tool
    backup = files.directory / "b"
    tool.run("backup", *files.named("--defaults-file", files.option_file), backup, "--yes")
    for file in files.keys.iterdir():
        file.unlink()
    pid = serve("/", *files.options, f"--datadir={files.data}")
    words = (place, files.keys) if place == "--path" else files.named("--datadir", files.data)
    done = tool.run("restore", backup, *words, "--yes", code=5)
    assert f"pid {pid}" in done.stderr and not list(files.keys.iterdir())


def test_a_directory_without_key_files_is_not_converted(key_files):
    for file in key_files.keys.iterdir():
        file.unlink()
    done = key_files.convert("--defaults-file", key_files.option_file, code=2)
    assert f"{key_files.keys} has no key files" in done.stderr
    assert not (key_files.directory / "out").exists()


# ---- Keyrings of MySQL that no server locks ------------------------------------------------------


class Unlocked:
    """A keyring from which keys are to be copied, and the options of a server that uses it."""

    def __init__(self, kind, tool, directory, kms, kmip):
        self.tool, self.directory = tool, directory
        self.plugin, self.data = directory / "plugin", directory / "data"
        for made in (self.plugin, self.data):
            made.mkdir()
        self.uses = [f"--plugin-dir={self.plugin}", f"--datadir={directory}/elsewhere"]
        self.target = kms_config(directory / "k", kms, directory / "copied")
        plain = self.data / "plain"
        write_plain(plain, SOME)
        if kind == "keyring_file":
            plain.write_bytes(plugin_file(SOME))
            self.word = f"keyring_file:{plain}"
            self.uses = ["--early-plugin-load=keyring_file.so", f"--keyring_file_data={plain}"]
        elif kind == "component_keyring_kmip":
            (directory / "other").mkdir()
            self.word = kmip_config(directory / "other", kmip, "in-use")
            tool.run("migrate", f"component_keyring_file:{plain}", self.word, "--yes")
            kmip_config(self.plugin, kmip, "in-use")
        else:
            self.word = plain_config(self.plugin, plain)
            if kind == "data file":
                self.word = f"component_keyring_file:{self.data}/../data/plain"

    def migrate(self, *words, code=0):
        return self.tool.run("migrate", self.word, self.target, *words, code=code)


UNLOCKED = ["component_keyring_file", "data file", "keyring_file", "component_keyring_kmip"]


@pytest.fixture(params=UNLOCKED)
def unlocked(request, tool, directory, kms, kmip):
    return Unlocked(request.param, tool, directory, kms, kmip)


@pytest.mark.parametrize("how", ["configuration", "datadir", "working directory"])
def test_nothing_is_copied_from_a_keyring_of_a_server_that_runs(unlocked, serve, how):
    """It may make a key meanwhile, which the copy would lack."""
    words = ["--yes"] if how == "configuration" else ["--yes", "--datadir", unlocked.data]
    if how == "configuration":
        pid = serve("/", *unlocked.uses, name="mysqld")
    elif how == "datadir":
        pid = serve("/", f"--datadir={unlocked.data}/", name="mysqld")
    else:
        pid = serve(unlocked.data, "--datadir=/nowhere", name="mysqld")
    before = snapshot(unlocked.directory)
    for more in ([], ["--dry-run"]):
        done = unlocked.migrate(*words, *more, code=5)
        assert f"pid {pid}" in done.stderr and "nothing was changed" in done.stderr
    assert snapshot(unlocked.directory) == before


def test_a_server_whose_configuration_was_moved_away_is_seen(unlocked, serve):
    """As somebody does who has the next one ready: what it has loaded tells it."""
    if str(unlocked.word).startswith("keyring_file:"):
        return  # The plugin's options are those of the process.
    elsewhere = unlocked.directory / "elsewhere"
    elsewhere.mkdir()
    kind = "kmip" if "kmip" in str(unlocked.word) else "file"
    library = elsewhere / f"component_keyring_{kind}.so"
    library.write_text("a library")
    uses = [f"--plugin-dir={elsewhere}", f"--datadir={elsewhere}"]
    serve("/", *uses, name="mysqld")
    unlocked.migrate("--yes", "--dry-run")
    pid = serve("/", *uses, f"--library={library}", name="mysqld")
    done = unlocked.migrate("--yes", code=5)
    assert f"pid {pid}" in done.stderr and "nothing was changed" in done.stderr


@pytest.mark.parametrize("other", [{"object_group": "another"}, {"server_port": "1"}])
def test_a_server_of_another_keyring_stops_no_copy(unlocked, serve, kmip, other):
    elsewhere = unlocked.directory / "elsewhere"
    elsewhere.mkdir()
    plain_config(elsewhere, elsewhere / "plain")
    kmip_config(elsewhere, kmip, "in-use")
    config = json.loads((elsewhere / "component_keyring_kmip.cnf").read_text())
    (elsewhere / "component_keyring_kmip.cnf").write_text(json.dumps({**config, **other}))
    serve(elsewhere, f"--datadir={elsewhere}", f"--plugin-dir={elsewhere}",
          "--early-plugin-load=keyring_file.so", f"--keyring_file_data={elsewhere}/plain",
          name="mysqld")
    unlocked.migrate("--yes", "--datadir", unlocked.data)


def test_a_server_is_seen_by_a_path_that_is_relative_to_where_it_works(tool, directory, kms, serve):
    """Also when nothing tells its data directory."""
    data = directory / "data"
    for made in (data, directory / "plugin"):
        made.mkdir()
    write_plain(data / "plain", SOME)
    (directory / "plugin/component_keyring_file.cnf").write_text(json.dumps({"path": "plain"}))
    target = kms_config(directory / "k", kms, directory / "copied")
    words = ("migrate", f"component_keyring_file:{data}/plain", target, "--yes")
    pid = serve(data, f"--plugin-dir={directory}/plugin", name="mysqld")
    assert f"pid {pid}" in tool.run(*words, code=5).stderr


def test_a_server_whose_paths_are_other_files_stops_nothing(unlocked, serve_apart):
    """A container, say, with the usual paths, and nothing of ours in them."""
    serve_apart([("-t", "tmpfs", "tmpfs", place) for place in (unlocked.plugin, unlocked.data)],
                f"--datadir={unlocked.data}", f"--plugin-dir={unlocked.plugin}",
                "--early-plugin-load=keyring_file.so",
                f"--keyring_file_data={unlocked.data}/plain", name="mysqld")
    unlocked.migrate("--yes", "--datadir", unlocked.data)


def test_the_server_of_a_data_directory_is_not_a_container_with_one_of_that_name(
        key_files, serve, serve_apart):
    option = f"--aws-key-management-keyfile-dir={key_files.keys}"
    serve_apart([("-t", "tmpfs", "tmpfs", key_files.data)], f"--datadir={key_files.data}",
                option, name="mariadbd")
    words = key_files.named("--datadir", key_files.data, "--path", key_files.keys)

    def pids():
        sources = key_files.tool.json("list", *words)["source"]
        return [one["found_in"] for one in sources if one["found_in"].startswith("process")]

    assert pids() == []
    pid = serve("/", f"--datadir={key_files.data}", option)
    assert pids() == [f"process {pid}"]


def test_a_server_that_has_the_keyring_under_another_path_is_seen(unlocked, serve_apart):
    apart = [unlocked.directory / f"apart-{place.name}"
             for place in (unlocked.plugin, unlocked.data)]
    for place in apart:
        place.mkdir()
    mounts = [("--bind", place, name) for place, name in
              zip((unlocked.plugin, unlocked.data), apart)]
    pid = serve_apart(mounts, f"--datadir={apart[1]}", name="mysqld")
    assert f"pid {pid}" in unlocked.migrate("--yes", "--datadir", unlocked.data, code=5).stderr
    more = [f"--plugin-dir={apart[0]}", "--datadir=/nowhere",
            "--early-plugin-load=keyring_file.so", f"--keyring_file_data={apart[1]}/plain"]
    pid = serve_apart(mounts, *more, name="mysqld")
    (unlocked.data / "unused").mkdir()
    (unlocked.plugin / "component_keyring_file.cnf").write_text(
        json.dumps({"path": f"{apart[1]}/plain"}))
    words = ("--datadir", unlocked.data / "unused")
    if unlocked.word == unlocked.plugin / "component_keyring_file.cnf":
        unlocked.word = f"component_keyring_file:{unlocked.data}/plain"
    assert f"pid {pid}" in unlocked.migrate("--yes", *words, code=5).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_who_may_not_look_at_a_server_goes_by_names(unlocked, serve):
    for place in (unlocked.directory, *unlocked.directory.rglob("*")):
        place.chmod(0o755)
    pid = serve("/", *unlocked.uses, name="mysqld")
    done = unlocked.tool.run("migrate", unlocked.word, unlocked.target, "--dry-run", code=5,
                             user="nobody", group="nogroup", extra_groups=[])
    assert f"pid {pid}" in done.stderr


def test_key_files_of_a_server_with_mounts_of_its_own(key_files, serve_apart):
    keys, data = key_files.keys, key_files.data
    other = key_files.directory / "apart"
    other.mkdir()
    option = "--aws-key-management-keyfile-dir="
    serve_apart([("-t", "tmpfs", "tmpfs", place) for place in (keys, data)],
                f"--datadir={data}", f"{option}{keys}", name="mariadbd")
    words = ("--defaults-file", key_files.option_file)
    pid = serve_apart([("--bind", keys, other)], "--datadir=/nowhere", f"{option}{other}",
                      name="mariadbd")
    done = key_files.convert(*words, code=5)
    assert f"pid {pid}" in done.stderr, "and not the one with files of its own"


def test_of_a_mysql_server_whose_options_are_not_known_there_is_a_warning(unlocked, serve):
    elsewhere = unlocked.directory / "elsewhere"
    elsewhere.mkdir()
    pid = serve(elsewhere, f"--datadir={elsewhere}", name="mysqld")
    done = unlocked.migrate("--yes")
    assert f"process {pid} (/nowhere/mysqld)" in done.stderr and "not read" in done.stderr


def test_nothing_is_copied_into_a_keyring_of_a_server_that_runs(tool, directory, kms, kmip, serve):
    """It would not see the keys, may make one of the same name, and overwrites a file."""
    write_plain(directory / "keys", SOME)
    for name in ("plugin", "k"):
        (directory / name).mkdir()
    source = kms_config(directory / "k", kms, directory / "sealed")
    tool.run("migrate", f"component_keyring_file:{directory}/keys", source, "--yes")
    targets = [plain_config(directory / "plugin", directory / "plain"),
               kmip_config(directory / "plugin", kmip, "target-in-use")]
    pid = serve("/", f"--plugin-dir={directory}/plugin", "--datadir=/nowhere", name="mysqld")
    for target in targets:
        done = tool.run("migrate", source, target, "--allow-plaintext", "--yes", code=5)
        assert f"pid {pid}" in done.stderr
    assert not (directory / "plain").exists()


# ---- Locks ---------------------------------------------------------------------------------------


@pytest.fixture
def disks(directory):
    """Two small file systems, where new files have the same inode numbers."""
    made = []
    for name in ("disk1", "disk2"):
        (directory / name).mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory / name],
                              check=False, capture_output=True)
        if done.returncode != 0:
            break
        made.append(directory / name)
    if len(made) == 2:
        yield made
    for disk in made:
        subprocess.run(["umount", disk], check=True)
    if len(made) < 2:
        pytest.skip("cannot mount a small disk here")


def test_a_lock_on_another_file_of_the_same_inode_number_is_none(tool, directory, kms, disks):
    write_plain(directory / "plain", SOME)
    config = kms_config(directory / "k", kms, disks[0] / "keys")
    tool.run("migrate", f"component_keyring_file:{directory}/plain", config, "--yes")
    number = (disks[0] / "keys").stat().st_ino
    for i in range(number + 3):
        other = disks[1] / f"f{i}"
        other.touch()
        if other.stat().st_ino == number:
            break
    assert other.stat().st_ino == number
    with subprocess.Popen(["flock", "--no-fork", other, "sleep", "60"]) as holder:
        try:
            process.wait_until(lambda: f" {holder.pid} " in pathlib.Path(
                "/proc/locks").read_text(), "the lock")
            tool.run("reseal", "--config", config, "--yes")
        finally:
            holder.kill()
