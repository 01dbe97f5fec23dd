# SPDX-License-Identifier: MIT
"""Two builds of the same commit are the same bytes: in two directories whose names have different
lengths, at two times of two clocks in two time zones, by users with two umasks, and without a
compiler cache. Each has its own libcurl. Products, then packages.

OPENKEYRING_REPRODUCIBLE=keyringctl,keyring_aws builds only these, and no packages."""

import dataclasses
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))

import packages  # noqa: E402

PRODUCTS = sorted({name for one in packages.PACKAGES for name in one.libraries} | {"keyringctl"})
WANTED = os.environ.get("OPENKEYRING_REPRODUCIBLE", ",".join(PRODUCTS)).split(",")
SECONDS = 4 * 3600


@dataclasses.dataclass(frozen=True)
class Place:
    """Where, when and by whom it is built: what may not show in the result."""
    name: str
    ahead: str  # How far the clock is ahead, for faketime.
    zone: str
    umask: int


PLACES = (Place("a", "+0d", "UTC", 0o022),
          Place("another-directory-with-a-longer-name/b", "+400d", "Asia/Kathmandu", 0o077))


class Tree:
    """A copy of the sources as they are here, and what is built in it."""

    def __init__(self, base: pathlib.Path, place: Place):
        self.place = place
        self.path = base / place.name
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True,
                               check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).exists():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.path / name)

    def run(self, *argv, own_clock: bool = True) -> str:
        environment = {
            **os.environ, "CCACHE_DISABLE": "1", "SOURCE_DATE_EPOCH": str(packages.epoch()),
            "TZ": self.place.zone, "XDG_CACHE_HOME": f"{self.path}.cache"}
        clock = ["faketime", "-f", self.place.ahead] if own_clock else []
        done = subprocess.run([*clock, *map(str, argv)], cwd=self.path, text=True, env=environment,
                              umask=self.place.umask, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def build(self) -> None:
        """libcurl first, by the machine's clock: apt refuses lists that have expired."""
        self.run("tools/static_curl", own_clock=False)
        self.run("cmake", "--preset", "release", "-DOPENKEYRING_TESTS=OFF",
                 "-DOPENKEYRING_CURL=static", "-DCCACHE=")
        self.run("cmake", "--build", "build/release", "--target", *WANTED)

    def built(self, name: str) -> pathlib.Path:
        return self.path / "build/products" / (name if name == "keyringctl" else f"{name}.so")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    assert shutil.which("faketime"), "faketime is missing: apt-get install faketime"
    base = tmp_path_factory.mktemp("builds")
    made = [Tree(base, place) for place in PLACES]  # Both before the first is built.
    for tree in made:
        tree.build()
    yield made
    if not os.environ.get("OPENKEYRING_KEEP"):
        shutil.rmtree(base)


@functools.cache
def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", WANTED)
def test_a_product_is_the_same_bytes(trees, name):
    one, two = trees
    assert digest(one.built(name)) == digest(two.built(name))
    content = one.built(name).read_bytes()
    for tree in trees:
        assert str(tree.path).encode() not in content


@pytest.mark.skipif(set(WANTED) != set(PRODUCTS), reason="only some products were built")
def test_the_packages_are_the_same_bytes(trees):
    made = []
    for tree in trees:
        tree.run("packaging/package", "--products", tree.path / "build/products",
                 "--out", tree.path / "out",
                 "--rpm" if shutil.which("rpmbuild") else "--no-rpm")
        made.append({path.name: digest(path) for path in (tree.path / "out").iterdir()})
    assert len(made[0]) >= 2 * len(packages.PACKAGES)
    assert made[0] == made[1]
