# SPDX-License-Identifier: MIT
"""`./dev release` from a clone to the signed tag, with its own build; then, in another clone, what
docs/release.md tells those who check a release, and those who trust neither it nor its key."""

import os
import pathlib
import re
import subprocess

import pytest
from lab import documents, process

pytestmark = pytest.mark.long
ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "1.2.3"  # As in docs/release.md.
KEY = "you@example.com"
SECONDS = 4 * 3600


class Releaser:
    """Somebody with a key and clones of this checkout."""

    def __init__(self, home: pathlib.Path):
        self.home = home
        (home / "g").mkdir(mode=0o700)
        self.environment = {**os.environ, "GNUPGHOME": str(home / "g")}
        # Of another clone than this one: its own place counts.
        self.environment.pop("CCACHE_BASEDIR", None)

    def run(self, *argv, cwd=None, code: int = 0) -> str:
        done = subprocess.run([str(word) for word in argv], cwd=cwd or self.home, text=True,
                              env=self.environment, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
        assert done.returncode == code, done.stdout[-4000:]
        return done.stdout

    def clone(self, name: str, source: pathlib.Path = ROOT) -> pathlib.Path:
        tree = self.home / name
        self.run("git", "clone", "-q", "--no-hardlinks", source, tree)
        for what, value in (("name", "R"), ("email", KEY)):
            self.run("git", "config", f"user.{what}", value, cwd=tree)
        return tree


@pytest.fixture
def releaser():
    home = process.new_directory("release", on_disk=True)
    made = Releaser(home)
    made.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign")
    yield made
    made.run("gpgconf", "--kill", "all")
    process.remove_directory(home)


def prepare(releaser: Releaser, tree: pathlib.Path) -> None:
    """Step 2 of docs/release.md."""
    changes = (tree / "CHANGELOG.md").read_text()
    heading = f"## Unreleased\n\n## {VERSION} - 2026-12-01"
    (tree / "CHANGELOG.md").write_text(changes.replace("## Unreleased", heading, 1))
    cmake = (tree / "CMakeLists.txt").read_text()
    cmake, count = re.subn(r"(?<=^project\(openkeyring VERSION )[0-9.]+", VERSION, cmake,
                           flags=re.M)
    assert count == 1
    (tree / "CMakeLists.txt").write_text(cmake)
    releaser.run("git", "commit", "-qam", f"Version {VERSION}", cwd=tree)


def test_a_release_is_made_checked_and_built_again(releaser):
    tree = releaser.clone("tree")
    refused = releaser.run("./dev", "release", VERSION, "--key", KEY, cwd=tree, code=1)
    assert "CMakeLists.txt has version" in refused and "==> building" not in refused
    prepare(releaser, tree)
    dry, real = (line.split() for line in re.findall(
        rf"`\./dev (release {VERSION} --key [^`]*)`", (ROOT / "docs/release.md").read_text()))
    assert "nothing was changed" in releaser.run("./dev", *dry, cwd=tree)
    assert not (tree / "build/products").exists()
    said = releaser.run("./dev", *real, cwd=tree)
    assert f"git push origin v{VERSION}" in said
    assert not (tree / "build/products/kms-emulator").exists(), "only what is packed is built"
    out = tree / f"build/release-{VERSION}"

    names = {path.name for path in out.iterdir()}
    assert {pathlib.PurePath(name).suffix for name in names} >= {".deb", ".rpm", ".gz"}
    assert {"SHA256SUMS", "SHA256SUMS.asc", "CHANGES.md",
            f"openkeyring-{VERSION}.spdx.json"} <= names
    assert all(VERSION in name for name in names if name.endswith((".deb", ".rpm", ".gz")))
    summed = {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert summed == names - {"SHA256SUMS", "SHA256SUMS.asc"}
    checks, = documents.blocks("docs/release.md", "sh", "Check one")
    for line in checks.strip().splitlines():
        assert re.search("Good signature|: OK", releaser.run("sh", "-ec", line, cwd=out)), line
    assert VERSION in releaser.run(tree / "build/products/keyringctl", "--version")

    again = releaser.clone("somewhere/else", tree)
    assert "Good signature" in releaser.run("git", "verify-tag", f"v{VERSION}", cwd=again)
    releaser.run("git", "checkout", "-q", f"v{VERSION}", cwd=again)
    releaser.run("./dev", "package", cwd=again)
    packages = [path for path in out.iterdir() if path.suffix in (".deb", ".rpm", ".gz")]
    assert len(packages) >= 12
    for path in packages:
        releaser.run("cmp", path, again / "build/packages" / path.name)
