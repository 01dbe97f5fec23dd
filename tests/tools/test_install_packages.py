# SPDX-License-Identifier: MIT
"""tools/install_packages with the real apt in a world of its own: it removes nothing, starts
nothing and can be stopped."""

import fcntl
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

import apt_world  # noqa: E402

STATUS = """Package: {name}
Status: install ok installed
Priority: optional
Section: database
Maintainer: nobody
Architecture: all
Version: 1
Provides: {provides}
Description: stand-in

"""

# What apt runs instead of dpkg: it notes its call and whether services may start, and "installs" a
# service.
DPKG = """#!/bin/sh
case "$*" in *--print-foreign-architectures*) exit 0 ;; *--assert*) exit 0 ;; esac
echo "$*" >> {directory}/dpkg.log
[ -e {directory}/policy-rc.d ] && {directory}/policy-rc.d x start
echo "policy $?" >> {directory}/dpkg.log
echo "session" $(ps -o sid= -p $$) >> {directory}/dpkg.log
sleep {seconds}
echo /lib/systemd/system/standin.service > {directory}/admin/info/wanted-server.list
grep -q wanted-server {directory}/admin/status || cat {directory}/stanza >> {directory}/admin/status
echo finished >> {directory}/dpkg.log
"""


class World:
    """A repository with the package wanted-server, which conflicts with virtual-standin-server, and
    nothing installed."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.dpkg_seconds = 0.0
        self.source = f"deb [trusted=yes] file:{directory}/repository ./"
        self.more_sources = []
        for name in ("repository", "admin/info", "bin", "log", "package/DEBIAN"):
            (directory / name).mkdir(parents=True)
        (directory / "admin/status").touch()
        control = ("Package: wanted-server\nVersion: 1\nArchitecture: all\nMaintainer: nobody\n"
                   "Conflicts: virtual-standin-server\nDescription: stand-in\n")
        (directory / "package/DEBIAN/control").write_text(control)
        built = directory / "repository/wanted-server.deb"
        subprocess.run(
            ["dpkg-deb", "--build", directory / "package", built],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        digest = hashlib.sha256(built.read_bytes()).hexdigest()
        (directory / "repository/Packages").write_text(
            f"{control}Filename: ./wanted-server.deb\nSize: {built.stat().st_size}\nSHA256: "
            f"{digest}\n"
        )
        (directory / "packages.txt").write_text(
            "test wanted-server why\ntest dpkg installed already\n"
        )
        (directory / "stanza").write_text(STATUS.format(name="wanted-server", provides="x"))
        self.add("dpkg", "")

    def add(self, name: str, provides: str) -> None:
        """An installed package."""
        with open(self.directory / "admin/status", "a") as status:
            status.write(STATUS.format(name=name, provides=provides or f"{name}-x"))

    def script(self, name: str, text: str) -> None:
        path = self.directory / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def start(self) -> subprocess.Popen:
        self.script("fake-dpkg", DPKG.format(directory=self.directory, seconds=self.dpkg_seconds))
        self.script("systemctl", f'#!/bin/sh\necho "$*" >> {self.directory}/systemctl.log\n')
        self.script("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
        world = apt_world.World(self.directory / "apt", [*self.more_sources, self.source])
        configuration = self.directory / "apt/etc/apt.conf"
        configuration.write_text(
            configuration.read_text().replace(
                f"{world.directory}/state/status", f"{self.directory}/admin/status"
            ).replace('Debug::NoLocking "true";', "")
            + f'Dir::Bin::dpkg "{self.directory}/bin/fake-dpkg";\nDir::Log '
              f'"{self.directory}/log";\n'
        )
        environment = {
            **os.environ,
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "APT_CONFIG": str(configuration),
            "DPKG_ADMINDIR": str(self.directory / "admin"),
            "OPENKEYRING_PACKAGES": str(self.directory / "packages.txt"),
            "OPENKEYRING_APT_LOG": str(self.directory / "apt.log"),
            "OPENKEYRING_POLICY_RC_D": str(self.directory / "policy-rc.d"),
        }
        return subprocess.Popen(
            [ROOT / "tools" / "install_packages", "test"],
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self) -> tuple[int, str]:
        process = self.start()
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def read(self, name: str) -> str:
        path = self.directory / name
        return path.read_text() if path.exists() else ""

    def wait_for(self, name: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not (self.directory / name).exists():
            assert time.monotonic() < end, f"{name} did not appear"
            time.sleep(0.02)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_package_in_the_way_is_named_and_stays(world):
    world.add("standin-mysql-server", "virtual-standin-server")
    code, output = world.run()
    assert code == 3
    assert "installing them would remove: standin-mysql-server" in output
    assert world.read("dpkg.log") == "", "nothing was installed and nothing removed"


def test_what_is_missing_is_installed_without_being_started_or_left_enabled(world):
    code, output = world.run()
    assert code == 0, output + world.read("apt.log")
    log = world.read("dpkg.log")
    assert "wanted-server.deb" in log and "policy 101" in log and "--remove" not in log
    assert world.read("systemctl.log") == "disable standin.service\n"
    assert "--no-remove" in world.read("log/history.log"), "a second guard"
    assert not (world.directory / "policy-rc.d").exists()


def test_what_is_installed_already_needs_no_apt(world):
    world.add("wanted-server", "")
    assert world.run() == (0, "")
    assert not (world.directory / "apt.log").exists()


def test_a_source_that_is_broken_does_not_keep_others_from_being_used(world):
    world.more_sources = [f"deb [trusted=yes] file:{world.directory}/gone ./",
                          "deb http://127.0.0.1:1/unsigned ./"]
    code, output = world.run()
    assert code == 0, output + world.read("apt.log")
    assert "wanted-server.deb" in world.read("dpkg.log")
    assert "E: " in output and "not every package source could be read" in output


def test_without_any_source_that_has_it_the_log_is_named(world):
    world.source = f"deb [trusted=yes] file:{world.directory}/gone ./"
    code, output = world.run()
    assert code == 3 and "the complete log is" in output
    assert world.read("dpkg.log") == ""


# Update takes the first lock, a download the second one.
@pytest.mark.parametrize("lock,progress", [("state/lists/lock", "  reading package lists: "),
                                           ("cache/archives/lock", "  downloading packages: ")])
def test_it_waits_for_a_lock_of_apt_and_says_who_has_it(world, lock, progress, monkeypatch):
    """And it is not silent meanwhile."""
    monkeypatch.setenv("OPENKEYRING_SILENCE_SECONDS", "0.3")
    path = world.directory / "apt" / lock
    path.parent.mkdir(parents=True, exist_ok=True)
    held = open(path, "w")
    fcntl.lockf(held, fcntl.LOCK_EX)
    process = world.start()
    said = ""
    while "waiting for process" not in said or progress not in said:
        line = process.stdout.readline()
        assert line and said.count("\n") < 40, said
        said += line
    assert f"waiting for process {os.getpid()} " in said and str(path) in said
    held.close()
    said += process.communicate(timeout=60)[0]
    assert process.returncode == 0, said + world.read("apt.log")
    assert "wanted-server.deb" in world.read("dpkg.log")
    assert said.count("waiting for process") == 1, "once, not each second"


def test_ctrl_c_ends_the_wait_for_a_lock(world):
    path = world.directory / "apt/state/lists/lock"
    path.parent.mkdir(parents=True)
    with open(path, "w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        process = world.start()
        while "waiting for process" not in process.stdout.readline():
            assert process.poll() is None
        interrupt(process)
    assert process.returncode == 130
    assert world.read("dpkg.log") == ""


def test_a_policy_of_the_machine_that_lets_services_start_is_left_alone(world):
    policy = world.directory / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    code, output = world.run()
    assert code == 3 and "lets services start" in output
    assert policy.exists() and world.read("dpkg.log") == ""


def interrupt(process) -> tuple[float, str]:
    """Ctrl-C; the seconds until the end, and the output."""
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    output = process.communicate(timeout=60)[0]
    return time.monotonic() - started, output


def test_ctrl_c_lets_dpkg_finish_and_leaves_no_half_state(world):
    world.dpkg_seconds = 2
    process = world.start()
    world.wait_for("dpkg.log")
    _, output = interrupt(process)
    assert process.returncode == 130 and "finishing the installation first" in output
    assert "finished" in world.read("dpkg.log")
    assert f"session {process.pid}\n" not in world.read(
        "dpkg.log"
    ), "Ctrl-C of the terminal does not reach dpkg"
    assert not (world.directory / "policy-rc.d").exists()
    assert "disable standin.service" in world.read("systemctl.log")


def test_ctrl_c_stops_a_mirror_that_hangs_at_once(world):
    with socket.socket() as mirror:
        mirror.bind(("127.0.0.1", 0))
        mirror.listen()
        world.source = f"deb [trusted=yes] http://127.0.0.1:{mirror.getsockname()[1]} ./"
        process = world.start()
        mirror.settimeout(30)
        mirror.accept()
        seconds, output = interrupt(process)
    assert process.returncode == 130 and seconds < 5, output
    assert "Traceback" not in output and "failed" not in output
    assert not (world.directory / "policy-rc.d").exists() and world.read("dpkg.log") == ""
