# SPDX-License-Identifier: MIT
"""Two builds of the same commit are the same bytes: in two directories whose names have different
lengths, at two times of two clocks, and without a compiler cache. Products, then packages.

OPENKEYRING_REPRODUCIBLE=keyringctl,keyring_aws builds only these, and no packages."""

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
# A directory, and how far its clock is ahead.
PLACES = {"a": "+0d", "another-directory-with-a-longer-name/b": "+400d"}


def run(directory: pathlib.Path, ahead: str, *argv) -> None:
    assert shutil.which("faketime"), "faketime is missing: apt-get install faketime"
    environment = {**os.environ, "CCACHE_DISABLE": "1", "SOURCE_DATE_EPOCH": str(packages.epoch())}
    done = subprocess.run(["faketime", "-f", ahead, *map(str, argv)], cwd=directory, text=True,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """The directory of each build, with the sources as they are here."""
    base = tmp_path_factory.mktemp("builds")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True,
                           check=True).stdout.decode().split("\0")
    found = []
    for place, ahead in PLACES.items():
        tree = base / place
        for name in filter(None, names):
            if (ROOT / name).exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)
        run(tree, ahead, "cmake", "--preset", "release", "-DOPENKEYRING_TESTS=OFF",
            "-DCCACHE=")
        run(tree, ahead, "cmake", "--build", "build/release", "--target", *WANTED)
        found.append((tree, ahead))
    yield found
    shutil.rmtree(base)


@functools.cache
def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def built(tree: pathlib.Path, name: str) -> pathlib.Path:
    return tree / "build/products" / (name if name == "keyringctl" else f"{name}.so")


@pytest.mark.parametrize("name", WANTED)
def test_a_product_is_the_same_bytes(trees, name):
    (one, _), (two, _) = trees
    assert digest(built(one, name)) == digest(built(two, name))
    content = built(one, name).read_bytes()
    for tree, _ in trees:
        assert str(tree).encode() not in content


@pytest.mark.skipif(set(WANTED) != set(PRODUCTS), reason="only some products were built")
def test_the_packages_are_the_same_bytes(trees):
    made = []
    for tree, ahead in trees:
        run(tree, ahead, "packaging/package", "--products", tree / "build/products",
            "--out", tree / "out", "--rpm" if shutil.which("rpmbuild") else "--no-rpm")
        made.append({path.name: digest(path) for path in (tree / "out").iterdir()})
    assert len(made[0]) >= 2 * len(packages.PACKAGES)
    assert made[0] == made[1]
