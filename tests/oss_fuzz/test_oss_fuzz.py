# SPDX-License-Identifier: MIT
"""fuzz/oss-fuzz/build.sh, with clang and libFuzzer in place of what OSS-Fuzz gives it: once with
its flags for AddressSanitizer, once with those for UndefinedBehaviorSanitizer. Each target runs its
seeds, and then for a few seconds what libFuzzer makes of them.

OPENKEYRING_OSS_FUZZ="url_fuzz ..." builds only these targets. CC, CXX and
OPENKEYRING_OSS_FUZZ_FLAGS=-stdlib=libc++ choose another compiler and C++ library."""

import os
import pathlib
import re
import subprocess
import zipfile

import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYOUT = ROOT / "fuzz" / "oss-fuzz"
ALL = re.findall(r"\b\w+_fuzz\b", re.search(
    r"set\(targets(.*?)\)", (ROOT / "fuzz/CMakeLists.txt").read_text(), re.S)[1])
TARGETS = os.environ.get("OPENKEYRING_OSS_FUZZ", " ".join(ALL)).split()
SECONDS = 3  # Of fuzzing, after the seeds.

# As its base-builder has them.
FLAGS = ("-O1 -fno-omit-frame-pointer -gline-tables-only "
         "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=fuzzer-no-link")
CHECKS = ("array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,"
          "returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr")
SANITIZERS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": f"-fsanitize={CHECKS},unsigned-integer-overflow -fno-sanitize-recover={CHECKS}",
}
RUNTIMES = {"address": "__asan_init", "undefined": "__ubsan_handle_type_mismatch_v1_abort"}


@pytest.fixture(scope="module", params=SANITIZERS)
def sanitizer(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def out(sanitizer, tmp_path_factory):
    base = tmp_path_factory.mktemp(f"oss-fuzz-{sanitizer}")
    for name in ("src", "out", "work"):
        (base / name).mkdir()
    (base / "src/openkeyring").symlink_to(ROOT)
    flags = f"{FLAGS} {SANITIZERS[sanitizer]}"
    environment = {
        "CC": "clang", "CXX": "clang++", **os.environ, "SRC": str(base / "src"),
        "OUT": str(base / "out"), "WORK": str(base / "work"), "CFLAGS": flags,
        "CXXFLAGS": f"{flags} {os.environ.get('OPENKEYRING_OSS_FUZZ_FLAGS', '')}",
        "SANITIZER": sanitizer, "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"}
    if TARGETS != ALL:
        environment["FUZZ_TARGETS"] = " ".join(TARGETS)
    done = subprocess.run([LAYOUT / "build.sh"], env=environment, text=True, cwd=base, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=seconds(4 * 3600))
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
def test_a_target_has_the_sanitizer(out, sanitizer, target):
    symbols = subprocess.run(["nm", out / target], text=True, capture_output=True, check=True)
    assert re.search(rf" T {RUNTIMES[sanitizer]}$", symbols.stdout, re.M)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_its_seeds_and_more(out, target, tmp_path):
    with zipfile.ZipFile(out / f"{target}_seed_corpus.zip") as seeds:
        names = [name for name in seeds.namelist() if not name.endswith("/")]
        seeds.extractall(tmp_path)
    assert len(names) == sum(
        path.is_file() for path in (ROOT / "fuzz/corpus" / target.removesuffix("_fuzz")).rglob("*"))
    dictionary = out / f"{target}.dict"
    done = subprocess.run(
        [out / target, f"-max_total_time={SECONDS}", "-timeout=25", "-rss_limit_mb=2560",
         *([f"-dict={dictionary}"] if dictionary.exists() else []), tmp_path],
        text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=seconds(300),
        env={**os.environ, "UBSAN_OPTIONS": "silence_unsigned_overflow=1:print_stacktrace=1"})
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(rf"{len(names)} files found in ", done.stdout)
    assert int(re.search(r"Done (\d+) runs", done.stdout)[1]) >= len(names)
    # Every file of ours counts for coverage, not the target alone.
    assert int(re.search(r"Loaded \d+ modules +\((\d+) inline", done.stdout)[1]) > 1000


def test_the_layout_has_what_oss_fuzz_asks_for():
    project = (LAYOUT / "project.yaml").read_text()
    for field in ("homepage", "main_repo", "primary_contact", "language: c++"):
        assert re.search(rf"^{field}", project, re.M), field
    docker = (LAYOUT / "Dockerfile").read_text()
    assert docker.count("FROM gcr.io/oss-fuzz-base/base-builder") == 1
    assert "build.sh" in docker and os.access(LAYOUT / "build.sh", os.X_OK)
