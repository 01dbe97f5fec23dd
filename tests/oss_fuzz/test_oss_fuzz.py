# SPDX-License-Identifier: MIT
"""fuzz/oss-fuzz/build.sh, with clang and libFuzzer in place of what OSS-Fuzz gives it.

OPENKEYRING_OSS_FUZZ="url_fuzz ..." builds only these targets."""

import os
import pathlib
import re
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYOUT = ROOT / "fuzz" / "oss-fuzz"
ALL = re.findall(r"\b\w+_fuzz\b", re.search(
    r"set\(targets(.*?)\)", (ROOT / "fuzz/CMakeLists.txt").read_text(), re.S)[1])
TARGETS = os.environ.get("OPENKEYRING_OSS_FUZZ", " ".join(ALL)).split()


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    base = tmp_path_factory.mktemp("oss-fuzz")
    for name in ("src", "out", "work"):
        (base / name).mkdir()
    (base / "src/openkeyring").symlink_to(ROOT)
    flags = "-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address,fuzzer-no-link"
    environment = {
        **os.environ, "SRC": str(base / "src"), "OUT": str(base / "out"),
        "WORK": str(base / "work"), "CC": "clang", "CXX": "clang++", "CFLAGS": flags,
        "CXXFLAGS": flags, "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"}
    if TARGETS != ALL:
        environment["FUZZ_TARGETS"] = " ".join(TARGETS)
    done = subprocess.run([LAYOUT / "build.sh"], env=environment, text=True, cwd=base, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=4 * 3600)
    assert done.returncode == 0, done.stdout[-3000:]
    return base / "out"


def test_all_targets_are_there(out):
    assert len(ALL) == len(list((ROOT / "fuzz").glob("*_fuzz.cc")))
    assert {path.name for path in out.glob("*_fuzz")} == set(TARGETS)
    assert list((out / "lib").glob("libcurl.so*"))
    dictionaries = {f"{path.stem}_fuzz.dict" for path in (ROOT / "fuzz").glob("*.dict")}
    assert {path.name for path in out.glob("*.dict")} == {
        name for name in dictionaries if name.removesuffix(".dict") in TARGETS}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_its_seeds(out, target, tmp_path):
    with zipfile.ZipFile(out / f"{target}_seed_corpus.zip") as seeds:
        names = [name for name in seeds.namelist() if not name.endswith("/")]
        seeds.extractall(tmp_path)
    assert len(names) == sum(
        path.is_file() for path in (ROOT / "fuzz/corpus" / target.removesuffix("_fuzz")).rglob("*"))
    done = subprocess.run([out / target, "-runs=200", tmp_path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"Done 2\d\d runs|Done \d+ runs", done.stdout)


def test_the_layout_has_what_oss_fuzz_asks_for():
    project = (LAYOUT / "project.yaml").read_text()
    for field in ("homepage", "main_repo", "primary_contact", "language: c++"):
        assert re.search(rf"^{field}", project, re.M), field
    docker = (LAYOUT / "Dockerfile").read_text()
    assert docker.count("FROM gcr.io/oss-fuzz-base/base-builder") == 1
    assert "build.sh" in docker and os.access(LAYOUT / "build.sh", os.X_OK)
