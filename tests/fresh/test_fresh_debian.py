# SPDX-License-Identifier: MIT
"""A stranger's first commands, on a fresh minimal Debian 12: ./dev build, ./dev demo and ./dev test
binary, by root, by a user with sudo, and by a user without, who has installed what ./dev printed.

What is mounted inside is so in a namespace that ends with the command, also when this program is
killed. Kept for the next time: compiled objects (ccache), and the packages that apt downloads.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/packages"), str(ROOT / "tools")]

import apt_world  # noqa: E402
from fresh_debian import FreshDebian  # noqa: E402
from lab import process  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap and chroot need root")
SECONDS = 4 * 3600
USER = "stranger"
KEPT = {"ccache": "/ccache", "archives": "/var/cache/apt/archives"}
INSTALL = re.compile(r"^  sudo (apt-get install --no-install-recommends --no-remove [^\n]*)$", re.M)


class Machine(FreshDebian):
    """A fresh Debian with a clone of this checkout in the home of `user`."""

    def __init__(self, root: pathlib.Path, kept: pathlib.Path, user: str):
        self.kept, self.user = kept, user
        super().__init__(root)
        self.path("usr/sbin/policy-rc.d").unlink()  # A stranger has none.
        self.home = "/root" if user == "root" else f"/home/{user}"
        if user != "root":
            self.run("useradd", "--create-home", "--shell", "/bin/bash", user)
        self.tree = f"{self.home}/openkeyring"
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, self.path(self.tree)],
                       check=True)
        self.run("chown", "-R", user, self.tree)

    def argv(self, *argv, **more) -> list[str]:
        words = super().argv(*argv, **more)
        binds = ""
        for name, inside in KEPT.items():
            for directory in (self.kept / name, self.path(inside)):
                directory.mkdir(parents=True, exist_ok=True)
            binds += f"mount --bind {self.kept / name} {self.path(inside)}; "
        # Whatever ends this program ends the command and its mounts. The shell stays, as root: who
        # changes the user loses the signal at the end of the parent.
        script = binds + words[-1].replace("exec chroot", "chroot", 1) + "; exit 0"
        return ["setpriv", "--pdeathsig", "KILL", *words[:-1], script]

    def dev(self, *words: str) -> subprocess.CompletedProcess:
        """./dev as the user types it; the output is also in build/test."""
        environment = {"HOME": self.home, "USER": self.user, "CCACHE_DIR": "/ccache",
                       "CCACHE_UMASK": "000", "PATH": "/usr/local/bin:/usr/bin:/bin"}
        done = subprocess.run(
            self.argv("sh", "-c", f'cd {self.tree} && exec ./dev "$@"', "sh", *words,
                      user=self.user, environment=environment),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=SECONDS, check=False)
        log = ROOT / "build/test" / f"fresh-{self.root.name}-{words[0].strip('-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(done.stdout)
        return done

    def builds_and_passes(self) -> None:
        built = self.dev("build")
        assert built.returncode == 0, built.stdout[-3000:]
        for name in ("component_keyring_kms.so", "keyringctl"):
            assert self.path(f"{self.tree}/build/products/{name}").exists()
        shown = self.dev("demo")
        assert shown.returncode == 0, shown.stdout[-6000:]
        assert "A twin server without encryption gets the same rows." in shown.stdout
        tested = self.dev("test", "binary")
        assert tested.returncode == 0, tested.stdout[-6000:]
        assert re.search(r"^-- binary: \d\d+ passed, 0 failed \(", tested.stdout, re.M), tested
        # Nothing that ./dev needed for a moment is left.
        assert not self.path("usr/sbin/policy-rc.d").exists()
        assert self.run("find", self.tree, "-not", "-user", self.user) == ""


@pytest.fixture
def machine(request):
    """Makes one; its name is the test's, so that what a killed run left is removed by the next."""
    home = apt_world.cache_home() / "fresh"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = home / request.node.name.removeprefix("test_")
    with apt_world.locked(home / "lock"):
        shutil.rmtree(root, ignore_errors=True)
        for name in KEPT:
            (home / name).mkdir(exist_ok=True)
        (home / "ccache").chmod(0o777)  # Of all who build inside.
        yield lambda user: Machine(root, home, user)
        if not os.environ.get("OPENKEYRING_KEEP"):
            shutil.rmtree(root, ignore_errors=True)


def test_by_root(machine):
    fresh = machine("root")
    for words, text in ((["--list"], "binary "), (["test", "--list"], "binary "),
                        (["--help"], "usage: ./dev"), (["test", "--help"], "usage: ./dev test")):
        shown = fresh.dev(*words)
        assert shown.returncode == 0 and text in shown.stdout, shown
    fresh.builds_and_passes()


def test_by_a_user_with_sudo(machine):
    fresh = machine(USER)
    fresh.install("sudo")
    fresh.path("etc/sudoers.d/stranger").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    fresh.builds_and_passes()


def test_by_a_user_without_sudo_who_has_what_was_printed(machine):
    fresh = machine(USER)
    for words in (["build"], ["demo"], ["test", "binary"]):
        told = fresh.dev(*words)
        assert told.returncode == 3, told
        command, = INSTALL.findall(told.stdout)
        fresh.run(*command.split(), "-y")
        done = fresh.dev(*words)
        assert done.returncode == 0, done.stdout[-6000:]
        assert "packages are missing" not in done.stdout


def running(word: str) -> bool:
    """Whether a program has this word on its command line."""
    lines = (path / "cmdline" for path in pathlib.Path("/proc").glob("[0-9]*"))
    return any(word.encode() in text.split(b"\0") for text in map(read_or_nothing, lines))


def read_or_nothing(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # It has ended meanwhile.
        return b""


def test_a_run_that_is_killed_leaves_no_mount_and_no_program(machine):
    fresh = machine(USER)
    seconds = f"4711{os.getpid()}"
    inside = fresh.argv("sleep", seconds, user=USER)
    script = f"import subprocess; subprocess.run({inside!r})"
    killed = process.Process([sys.executable, "-c", script], fresh.kept / "killed.log",
                             dict(os.environ))
    try:
        process.wait_until(lambda: running(seconds), "the program inside")
    finally:
        os.kill(killed.pid, signal.SIGKILL)  # It alone, as the kernel does when memory is short.
        killed.wait()
    process.wait_until(lambda: not running(seconds), "the program inside to end")
    assert str(fresh.root) not in pathlib.Path("/proc/mounts").read_text()
    assert fresh.run("cat", "/proc/self/status")
