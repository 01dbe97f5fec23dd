# SPDX-License-Identifier: MIT
"""Child processes that never outlive the test run."""

import atexit
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from . import patience

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_alive: set["Process"] = set()


class Failed(RuntimeError):
    """A process ended or hung where it should have worked. The text holds the end of its log."""


def wait_until(condition, what: str, seconds: float = 30.0, every: float = 0.02):
    """The first true value of `condition()`; TimeoutError after `seconds`."""
    seconds *= patience.FACTOR
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_directory(label: str, *, on_disk: bool = False) -> pathlib.Path:
    """A directory for one test, with a path short enough for sockets (107 bytes). Open to other
    users.

    No hyphens of ours in it: mariadb-test-run cuts the names of suites there. on_disk: where
    servers are killed while they write. In memory a kill can leave half of an InnoDB page, which
    its doublewrite buffer does not always cover.
    """
    base = (
        os.environ.get("OPENKEYRING_TEST_TMP")
        or (not on_disk and _fast_directory())
        or tempfile.gettempdir()
    )
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"okr_{label[:12]}_", dir=base))
    directory.chmod(0o755)
    if len(str(directory)) > 80:
        raise Failed(
            f"{directory} is too long for socket paths: set OPENKEYRING_TEST_TMP to a shorter one"
        )
    return directory


def _fast_directory() -> str:
    """Memory, where there is plenty: servers that are made and thrown away by the dozen wait for
    disks otherwise."""
    try:
        memory = os.statvfs("/dev/shm")
    except OSError:
        return ""
    return (
        "/dev/shm"
        if memory.f_bavail * memory.f_frsize > 6 << 30 and os.access("/dev/shm", os.W_OK)
        else ""
    )


def remove_directory(directory: pathlib.Path) -> None:
    """Removes what a test made, unless OPENKEYRING_KEEP is set, for looking at it afterwards."""
    if not os.environ.get("OPENKEYRING_KEEP"):
        shutil.rmtree(directory, ignore_errors=True)


def bare_environment(home: pathlib.Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    """Nothing of the developer's environment (AWS_*, proxies, LD_*) or AWS files reaches what is
    tested."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": str(home),
        "AWS_CONFIG_FILE": str(home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        **(extra or {}),
    }


def tail(path: pathlib.Path, lines: int = 40) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"({error})"


class Process:
    """A server in a session of its own. It dies with this process, however that ends.

    The kernel's part of that (PDEATHSIG) follows the thread that starts the process: start servers
    in the main thread.
    """

    def __init__(
        self,
        argv,
        log: pathlib.Path,
        environment: dict[str, str],
        *,
        user: str | None = None,
        cwd: pathlib.Path | None = None
    ):
        self.argv = [str(word) for word in argv]
        self.log = log
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                cwd=cwd, start_new_session=True, preexec_fn=_die_with_parent, **as_user)
        _alive.add(self)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        return self._child.poll()

    def running(self) -> bool:
        return self._child.poll() is None

    def send(self, number: int) -> None:
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code; kills the whole session and raises when it does not end in time."""
        seconds *= patience.FACTOR
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(
                f"{self.argv[0]} did not end within {seconds:g} s\n{tail(self.log)}"
            ) from None
        _alive.discard(self)
        return code

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        self.send(number)
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to the process and everything that it started."""
        # Of one that has ended, the number may be another one's by now.
        if self.running() or not pathlib.Path(f"/proc/{self.pid}").exists():
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        self._child.wait()
        _alive.discard(self)

    def fail_if_ended(self) -> None:
        if not self.running():
            raise Failed(f"{self.argv[0]} ended with {self.returncode}\n{tail(self.log)}")


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _no_traceback_for_ctrl_c(kind, error, trace) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("\ninterrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _no_traceback_for_ctrl_c  # Of benchmarks and demos.


@contextlib.contextmanager
def ending_what_starts():
    """Ends what was started inside, and nothing else."""
    before = set(_alive)
    try:
        yield
    finally:
        for process in _alive - before:
            process.kill()


@atexit.register
def kill_all() -> None:
    """Ends everything that was started here, servers that tests share included: for programs."""
    for process in list(_alive):
        process.kill()
