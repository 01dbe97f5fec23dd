# SPDX-License-Identifier: MIT
"""Which server is taken, and that no other user of the machine chooses what keyringctl runs."""

import os
import pathlib
import subprocess
import sys
import tempfile

import ctl
import pytest

from lab import process

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs another user")
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}
MARKER = f"search{os.getpid()}"  # In the environment of what these tests run.
PYTHON = "import time; print('up', flush=True); time.sleep(600)"


def is_safe(path: pathlib.Path) -> bool:
    """Whether only root and we can change what this path names."""
    return all(one.stat().st_uid in (0, os.geteuid()) and not one.stat().st_mode & 0o022
               for one in (path, *path.parents))


@pytest.fixture
def safe():
    """A directory that no other user can change anything above; those of other tests are not."""
    base = ctl.ROOT / "build"
    if not is_safe(base):
        pytest.skip(f"others may write {base}, or a directory above it")
    made = pathlib.Path(tempfile.mkdtemp(prefix="okr_search_", dir=base))
    made.chmod(0o755)
    yield made
    process.remove_directory(made)


@pytest.fixture
def start():
    """A function that starts a process; they end with the test."""
    made = []

    def begin(*words, **more):
        made.append(subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                                     text=True, **more))
        assert made[-1].stdout.readline() == "up\n"
        return made[-1]
    yield begin
    for one in made:
        one.kill()
        one.wait()


@pytest.fixture
def keyring(make_keyring):
    made = make_keyring("component_keyring_kms")
    made.write("store k - AES")
    return made


def build(program: pathlib.Path, options: str = "") -> pathlib.Path:
    program.parent.mkdir(parents=True, exist_ok=True)
    source = pathlib.Path(__file__).with_name("fake_server.c")
    subprocess.run(["cc", "-Wall", "-Werror", source, "-o", program], check=True)
    program.chmod(0o755)
    program.with_name(program.name + ".options").write_text(options)
    return program


def ran(program: pathlib.Path) -> list[str]:
    """The words that keyringctl ran it with; none when it did not."""
    record = program.with_name(f"{program.name}.ran.{MARKER}")
    return record.read_text().splitlines() if record.exists() else []


def named(keyring) -> list[str]:
    """The options of the server's command line that name this keyring."""
    return [f"--datadir={keyring.data}", f"--plugin-dir={keyring.plugin}"]


def marked(keyring) -> dict[str, str]:
    return {**keyring.environment, "OPENKEYRING_SEARCH": MARKER}


def look(keyring, *words, **more) -> ctl.Result:
    return ctl.run(keyring.directory, "list", "--product", keyring.product, "--json", *words,
                   environment=marked(keyring), **more)


def source(done: ctl.Result) -> dict[str, dict]:
    return {one["what"]: one for one in done.json()["source"]}


# ---- What is executed ----------------------------------------------------------------------------


def test_the_program_that_runs_is_asked_for_its_options(keyring, safe, start):
    program = build(safe / "bin/mysqld", f"--plugin-dir={keyring.plugin}")
    running = start(program, f"--datadir={keyring.data}")
    found = source(look(keyring, "--datadir", keyring.data))
    assert found["server"]["found_in"] == f"process {running.pid}"
    assert found["plugin directory"]["value"] == str(keyring.plugin)
    assert found["data directory"]["value"] == str(keyring.data)
    assert ran(program) == ["--print-defaults"]


def plant(directory: pathlib.Path, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """A script that shows by a file that it was run."""
    script, proof = directory / name, directory / f"{name}.proof{MARKER}"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\nid -un >> {script}.proof$OPENKEYRING_SEARCH\n"
                      "printf 'x\\n\\n'\n")
    script.chmod(0o755)
    return script, proof


@as_root
@pytest.mark.parametrize("owner", [0, 65534])
def test_another_user_cannot_choose_what_root_runs(keyring, directory, safe, start, owner):
    """Argument zero is chosen by whoever starts a process. The program lies where only root writes,
    or where only the other user does; the data directory is root's or the other user's."""
    scripts = [plant(place / "evil", "mysqld") for place in (directory, safe)]
    scripts.append(plant(directory / "evil", "ld-linux.so.2"))
    os.chown(keyring.data, owner, owner)
    os.chown(directory / "evil", 65534, 65534)
    started = [start(script, "-c", PYTHON, *named(keyring), executable=sys.executable, **NOBODY)
               for script, _ in scripts[:2]]
    for before in ([scripts[2][0]], [scripts[2][0], "--library-path", directory / "evil"]):
        started.append(start(
            before[0], "-c", PYTHON, *before[1:], "/usr/sbin/mysqld", *named(keyring),
            executable=sys.executable, **NOBODY))
    for words in ([], ["--datadir", keyring.data], ["--datadir", keyring.data, "--verbose"]):
        look(keyring, *words)
        ctl.run(keyring.directory, "check", *words, environment=marked(keyring))
    assert all(one.poll() is None for one in started)
    assert not [proof for _, proof in scripts if proof.exists()]


@as_root
def test_words_of_a_shell_are_not_run(keyring, directory, start):
    proof = f"{directory}/proof$OPENKEYRING_SEARCH"
    os.chown(keyring.data, 65534, 65534)
    start(f"/x'; id > {proof}; '/mysqld", "-c", PYTHON, *named(keyring),
          f"--defaults-file=/x' $(id > {proof}) `id > {proof}`", executable=sys.executable,
          **NOBODY)
    look(keyring, "--datadir", keyring.data)
    assert not (directory / f"proof{MARKER}").exists()


def unsafe_file(program):
    program.chmod(0o757)


def unsafe_group(program):
    program.chmod(0o775)


def unsafe_directory(program):
    program.parent.chmod(0o777)


def unsafe_above(program):
    program.parent.parent.chmod(0o775)


def sticky_directory(program):
    program.parent.chmod(0o1777)


def owned_by_another(program):
    os.chown(program, 65534, 65534)


def directory_of_another(program):
    os.chown(program.parent, 65534, 65534)


@pytest.mark.parametrize("change", [
    unsafe_file, unsafe_group, unsafe_directory, unsafe_above, sticky_directory,
    pytest.param(owned_by_another, marks=as_root),
    pytest.param(directory_of_another, marks=as_root)], ids=lambda change: change.__name__)
@pytest.mark.parametrize("through", ["path", "link"])
def test_a_program_that_others_can_change_is_not_run(keyring, safe, start, change, through):
    """Its arguments alone say what it uses; not even when it runs indeed, as root."""
    program = build(safe / "top/bin/mysqld")
    called = program
    if through == "link":
        (safe / "sbin").mkdir()
        called = safe / "sbin/mysqld"
        called.symlink_to(program)
    running = start(called, *named(keyring))
    change(program)
    done = look(keyring, "--datadir", keyring.data)
    assert source(done)["server"]["found_in"] == f"process {running.pid}"
    assert [key["id"] for key in done.json()["keys"]] == ["k"]
    assert ran(program) == []


def test_a_program_that_does_not_run_is_not_run(keyring, safe, start):
    """It is safe, and named by a process of ours; but the process is another program."""
    program = build(safe / "bin/mysqld")
    start(program, "-c", PYTHON, *named(keyring), executable=sys.executable)
    assert look(keyring, "--datadir", keyring.data).code == 0
    assert ran(program) == []


def test_only_what_a_server_takes_before_print_defaults_is_passed_on(keyring, safe, start):
    """It would start, and load what its option file says, if it missed --print-defaults."""
    program = build(safe / "bin/mysqld")
    options = safe / "my.cnf"
    options.write_text("[mysqld]\n")
    start(program, f"--defaults-file={options}", "--defaults-group-suffix=.one", *named(keyring),
          "--defaults-x=1", "--defaults-file=/other", "--print-default")
    assert look(keyring, "--datadir", keyring.data).code == 0
    assert ran(program) == [f"--defaults-file={options}", "--defaults-group-suffix=.one",
                            "--print-defaults"]


def test_a_link_named_as_a_server_or_a_linker_leads_to_no_other_program(keyring, safe, start):
    """The name that was checked is that of the link; other programs do other things."""
    other, program = build(safe / "bin/other"), build(safe / "bin/mysqld")
    for name in ("mysqld", "ld-x.so.2"):
        (safe / "links").mkdir(exist_ok=True)
        (safe / "links" / name).symlink_to(other)
    start(safe / "links/mysqld", *named(keyring))
    start(safe / "links/ld-x.so.2", program, *named(keyring))
    look(keyring, "--datadir", keyring.data)
    assert ran(other) == [] and ran(program) == []


@as_root
def test_the_program_of_an_ordinary_user_is_not_asked(keyring, safe, start):
    """The file of options that it names could be a pipe that never ends, in a hundred processes."""
    program = build(safe / "bin/mysqld")
    os.chown(keyring.data, 65534, 65534)
    running = start(program, *named(keyring), **NOBODY)
    assert taken(keyring, "--datadir", keyring.data) == f"process {running.pid}"
    assert ran(program) == []


def test_no_defaults_needs_no_program(keyring, safe, start):
    program = build(safe / "bin/mysqld")
    start(program, "--no-defaults", *named(keyring))
    assert look(keyring, "--datadir", keyring.data).code == 0
    assert ran(program) == []


def loader() -> pathlib.Path:
    return pathlib.Path(next(iter(sorted(pathlib.Path("/lib64").glob("ld-linux*.so.*")) or
                                  sorted(pathlib.Path("/lib").glob("ld-linux*.so.*")))))


def test_a_program_that_a_dynamic_linker_runs(keyring, safe, start):
    program = build(safe / "bin/mysqld", f"--plugin-dir={keyring.plugin}")
    (safe / "lib").mkdir()
    words = ["--library-path", f"{safe}/lib", program, f"--datadir={keyring.data}"]
    start(loader(), *words)
    found = source(look(keyring, "--datadir", keyring.data))
    assert found["plugin directory"]["value"] == str(keyring.plugin)
    assert ran(program) == ["--print-defaults"]


@pytest.mark.parametrize("case", ["library", "file", "preload", "relative", "program"])
def test_what_a_dynamic_linker_would_load_must_be_safe_too(keyring, safe, start, case):
    program = build(safe / "bin/mysqld")
    (safe / "lib").mkdir()
    before = ["--library-path", f"/usr/lib:{safe}/lib"]
    if case == "library":
        (safe / "lib").chmod(0o777)
    elif case == "file":
        (safe / "lib/x.so.1").touch()
        (safe / "lib/x.so.1").chmod(0o666)
    elif case == "preload":
        before = ["--preload", f"{safe}/lib/x.so"]
    elif case == "relative":
        before = ["--library-path", "lib"]
    else:
        program.chmod(0o777)
    running = start(loader(), *before, program, *named(keyring), stderr=subprocess.DEVNULL)
    done = ctl.run(safe, "list", "--product", keyring.product, "--json", "--datadir", keyring.data,
                   environment=marked(keyring))
    assert source(done)["server"]["found_in"] == f"process {running.pid}"
    assert done.code == 0 and ran(program) == []


def test_a_dynamic_linker_that_does_not_run_is_not_run(keyring, safe, start):
    program, other = build(safe / "bin/mysqld"), build(safe / "bin/other")
    start(loader(), program, *named(keyring), executable=str(other))
    assert look(keyring, "--datadir", keyring.data).code == 0
    assert ran(program) == []


def test_only_a_regular_file_is_run(keyring, safe, start):
    """A dynamic linker would wait for what it reads from a pipe."""
    program = build(safe / "bin/mysqld")
    start(loader(), program, *named(keyring))
    program.unlink()
    os.mkfifo(program, mode=0o700)
    done = ctl.run(keyring.directory, "list", "--product", keyring.product, "--verbose",
                   "--datadir", keyring.data, environment=marked(keyring))
    assert done.code == 0 and f"{program} is not a regular file" in done.err, done


def test_a_relative_program_is_not_looked_for_here(keyring, safe, start):
    program = build(safe / "bin/mysqld")
    start(loader(), "bin/mysqld", *named(keyring), cwd=safe)
    done = ctl.run(safe, "list", "--product", keyring.product, "--datadir", keyring.data,
                   environment=marked(keyring))
    assert done.code == 0 and ran(program) == []


def test_a_relative_option_file_is_not_looked_for_here(keyring, safe, start):
    """A server changes its directory: nobody knows what that was relative to."""
    program = build(safe / "bin/mysqld")
    running = start(program, "--defaults-file=my.cnf", *named(keyring))
    done = look(keyring, "--datadir", keyring.data)
    assert source(done)["server"]["found_in"] == f"process {running.pid}"
    assert ran(program) == []


def test_a_relative_option_file_is_not_taken_for_one_of_ours(keyring, safe, start):
    """One of that name may lie where we are."""
    running = start(build(safe / "bin/mysqld"), "--defaults-file=my.cnf", *named(keyring))
    here = keyring.directory / "my.cnf"  # Where the tool works, too.
    here.write_text("[mysqld]\n")
    assert look(keyring, "--datadir", keyring.data).code == 0
    done = look(keyring, "--defaults-file", here)
    assert f"process {running.pid}" not in done.out + done.err, done
    assert str(keyring.data) not in done.out + done.err, done


# ---- Which processes are believed ----------------------------------------------------------------


def taken(keyring, *words) -> str | None:
    """Where the server was found that is taken; None when there is none of this product."""
    done = look(keyring, "--plugin-dir", keyring.plugin, *words)
    reply = done.json() if done.code == 0 else done.error()
    return {one["what"]: one for one in reply["source"]}.get("server", {}).get("found_in")


@as_root
def test_a_process_of_another_user_than_that_of_the_data_directory_is_no_server(keyring, start):
    running = start("/nowhere/mysqld", "-c", PYTHON, *named(keyring), executable=sys.executable,
                    **NOBODY)
    assert taken(keyring, "--datadir", keyring.data) in (None, "installed")
    os.chown(keyring.data, 65534, 65534)
    assert taken(keyring, "--datadir", keyring.data) == f"process {running.pid}"


def own_file(keyring) -> pathlib.Path:
    """An option file that only a server of this test has: others run on this machine."""
    made = keyring.directory / "own.cnf"
    made.write_text("[mysqld]\n")
    return made


@as_root
def test_the_server_of_an_ordinary_user_is_taken_only_by_name(keyring, start):
    """Otherwise root would write keys where that user says."""
    os.chown(keyring.data, 65534, 65534)
    options = own_file(keyring)
    running = start("/nowhere/mysqld", "-c", PYTHON, *named(keyring), f"--defaults-file={options}",
                    executable=sys.executable, **NOBODY)
    done = ctl.run(keyring.directory, "list", "--product", keyring.product, "--defaults-file",
                   options, environment=keyring.environment)
    assert str(keyring.data) not in done.out
    # A machine with a MySQL has a keyring to look for, and no need for this one.
    assert os.path.exists("/usr/sbin/mysqld") and done.code == 0 or (
        f"process {running.pid}" in done.err and "--datadir" in done.err)
    assert taken(keyring, "--defaults-file", options) in (None, "installed")
    assert taken(keyring, "--datadir", keyring.data) == f"process {running.pid}"


@as_root
def test_the_server_of_a_system_user_is_taken(keyring, start):
    """As packages start it."""
    os.chown(keyring.data, 33, 33)
    options = own_file(keyring)
    running = start("/nowhere/mysqld", "-c", PYTHON, *named(keyring), f"--defaults-file={options}",
                    executable=sys.executable, user=33, group=33, extra_groups=[])
    assert taken(keyring, "--defaults-file", options) == f"process {running.pid}"


@as_root
def test_a_program_with_the_rights_of_root_is_still_that_of_its_user(keyring, safe, start):
    """A user chooses argument zero of a setuid program, too."""
    program = build(safe / "bin/other")
    program.chmod(0o4755)
    start("/nowhere/mysqld", *named(keyring), executable=str(program), **NOBODY)
    assert taken(keyring, "--datadir", keyring.data) in (None, "installed")


def test_a_server_that_prints_its_options_is_none(keyring, safe, start):
    """Another run of keyringctl asks it, or did so and was killed."""
    program = build(safe / "bin/mysqld")
    os.mkfifo(f"{program}.ran.{MARKER}")  # It waits until somebody reads what it writes there.
    asked = subprocess.Popen([program, "--defaults-group-suffix=.x", "--print-defaults",
                              *named(keyring)], stdout=subprocess.DEVNULL,
                             env={"OPENKEYRING_SEARCH": MARKER})
    try:
        process.wait_until(lambda: b"print" in pathlib.Path(
            f"/proc/{asked.pid}/cmdline").read_bytes(), "the process")
        assert taken(keyring, "--datadir", keyring.data) in (None, "installed")
    finally:
        asked.kill()
        asked.wait()
