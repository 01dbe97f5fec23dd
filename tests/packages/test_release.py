# SPDX-License-Identifier: MIT
"""What ./dev release refuses, and what it makes, signed with a key that exists for this test."""

import hashlib
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "packaging"), str(ROOT / "tools")]

import packages  # noqa: E402
import sbom  # noqa: E402

from lab.patience import seconds  # noqa: E402

VERSION = packages.version()
KEY = "releaser@openkeyring.invalid"


def run(*argv, cwd, code=0) -> str:
    done = subprocess.run([str(word) for word in argv], cwd=cwd, text=True, check=False,
                          capture_output=True, timeout=seconds(120))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def gnupg(directory, monkeypatch):
    """A home of GnuPG with one key that signs."""
    home = directory / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign",
        cwd=directory)
    yield home
    run("gpgconf", "--kill", "all", cwd=directory)


@pytest.fixture
def tree(directory, gnupg):
    """A repository that can be released."""
    root = directory / "tree"
    root.mkdir()
    (root / "CMakeLists.txt").write_text(f"project(openkeyring VERSION {VERSION} LANGUAGES CXX)\n")
    (root / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## Unreleased\n\n## {VERSION} - 2026-11-30\n\n### Added\n\n- A thing.\n")
    run("git", "init", "-q", cwd=root)
    run("git", "config", "user.name", "R", cwd=root)
    run("git", "config", "user.email", KEY, cwd=root)
    commit(root)
    return root


def commit(root) -> None:
    run("git", "add", "-A", cwd=root)
    run("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=root)


def release(root, *words, code=0, version=VERSION) -> str:
    return run(ROOT / "tools/release", version, "--key", KEY, "--root", root, *words,
               cwd=root.parent, code=code)


def state(root) -> tuple:
    return run("git", "tag", cwd=root), sorted(path.name for path in root.parent.iterdir())


REFUSED = {
    "a dirty tree": (lambda root: (root / "new").write_text("x"), "not clean"),
    "another version": (
        lambda root: (root / "CMakeLists.txt").write_text("project(openkeyring VERSION 9.9.9)\n"),
        "has version 9.9.9"),
    "no section": (
        lambda root: (root / "CHANGELOG.md").write_text("## Unreleased\n\n- A thing.\n"),
        "has no section"),
    "no date": (
        lambda root: (root / "CHANGELOG.md").write_text(
            f"## Unreleased\n\n## {VERSION} - soon\n\n- A thing.\n"), "is not a date"),
    "no entry": (
        lambda root: (root / "CHANGELOG.md").write_text(
            f"## Unreleased\n\n## {VERSION} - 2026-11-30\n\n## 0.0.1 - 2026-01-01\n\n- Old.\n"),
        "has no entry"),
    "no next section": (
        lambda root: (root / "CHANGELOG.md").write_text(
            f"## {VERSION} - 2026-11-30\n\n- A thing.\n"), "Unreleased"),
    "a tag": (lambda root: run("git", "tag", f"v{VERSION}", cwd=root), "is released once"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_changes_nothing(tree, what):
    change, words = REFUSED[what]
    change(tree)
    if what != "a dirty tree":
        commit(tree)
    before = state(tree)
    assert words in release(tree, "--dry-run", code=1)
    assert words in release(tree, "--out", tree.parent / "out", code=1)
    assert state(tree) == before


def test_a_key_that_is_not_there_and_a_word_that_is_no_version_are_refused(tree):
    assert "not a version" in release(tree, "--dry-run", code=1, version="v1")
    assert "gpg" in run(ROOT / "tools/release", VERSION, "--key", "nobody@x", "--root", tree,
                        cwd=tree, code=1)


def test_a_key_that_cannot_sign_and_a_tag_of_nobody_are_refused_before_anything_is_made(
        tree, monkeypatch):
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "certifier@x", "ed25519",
        "cert", cwd=tree)
    before = state(tree)
    assert "gpg" in run(ROOT / "tools/release", VERSION, "--key", "certifier@x", "--root", tree,
                        "--dry-run", cwd=tree, code=1)
    run("git", "config", "user.useConfigOnly", "true", cwd=tree)
    run("git", "config", "--unset", "user.email", cwd=tree)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    assert "git var" in release(tree, "--dry-run", code=1)
    assert state(tree) == before


def test_a_dry_run_changes_nothing(tree):
    before = state(tree)
    assert "nothing was changed" in release(tree, "--dry-run")
    assert state(tree) == before


@pytest.fixture
def released(tree, made):
    out = tree.parent / "out"
    release(tree, "--packages", made, "--out", out)
    return out


def test_a_release_is_complete_and_signed(released, tree, made):
    names = {path.name for path in released.iterdir()}
    assert names == {path.name for path in made.iterdir()} | {
        "SHA256SUMS", "SHA256SUMS.asc", "CHANGES.md", f"openkeyring-{VERSION}.spdx.json"}
    written = json.loads((released / f"openkeyring-{VERSION}.spdx.json").read_text())
    assert {one["name"] for one in written["packages"]} > {path.name for path in made.iterdir()}
    # As docs/release.md and SECURITY.md tell a user.
    run("gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS", cwd=released)
    run("sha256sum", "--check", "--ignore-missing", "SHA256SUMS", cwd=released)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=released)
    sums = dict(reversed(line.split()) for line in
                (released / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == names - {"SHA256SUMS", "SHA256SUMS.asc"}
    run("git", "tag", "--verify", f"v{VERSION}", cwd=tree)
    (released / "CHANGES.md").write_text("another text")
    run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=released, code=1)
    (released / "SHA256SUMS").write_text("".join(sums))
    run("gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS", cwd=released, code=1)


@pytest.fixture(scope="module")
def bill(made):
    return sbom.document([(sorted(made.iterdir()), ROOT / "build/products")])


def test_the_bill_of_materials_has_what_spdx_requires(bill, made):
    check_bill(bill, made, {path.name for path in made.iterdir()})


def check_bill(bill, directory, packed) -> None:
    assert (bill["spdxVersion"], bill["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert bill["SPDXID"] == "SPDXRef-DOCUMENT" and bill["documentNamespace"].startswith("https://")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["creationInfo"]["created"])
    assert all(re.match("(Tool|Person|Organization): ", one)
               for one in bill["creationInfo"]["creators"])
    identifiers = [one["SPDXID"] for one in bill["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    for one in bill["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one["SPDXID"])
        assert one["name"] and one["versionInfo"] and one["downloadLocation"]
        assert one["filesAnalyzed"] is False and one["licenseDeclared"]
    for one in bill["relationships"]:
        ends = {one["spdxElementId"], one["relatedSpdxElement"]}
        assert ends <= {"SPDXRef-DOCUMENT", *identifiers}
    described = {one["relatedSpdxElement"] for one in bill["relationships"]
                 if one["relationshipType"] == "DESCRIBES"}
    files = {one["packageFileName"]: one for one in bill["packages"] if "packageFileName" in one}
    assert files.keys() == packed
    assert described == {one["SPDXID"] for one in files.values()}
    for name, one in files.items():
        digest = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        assert one["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]


def test_the_bill_of_materials_says_what_is_linked_in(bill, debs):
    versions = {one["name"]: one["versionInfo"] for one in bill["packages"]}
    for name, deb in debs.items():
        identifier = next(one["SPDXID"] for one in bill["packages"]
                          if one["name"] == deb.path.name)
        inside = {one["relatedSpdxElement"].removeprefix("SPDXRef-component-")
                  for one in bill["relationships"] if one["spdxElementId"] == identifier}
        assert {"nlohmann-json", "tl-expected", "libstdc--"} & inside >= {"tl-expected"}, name
        assert ("cli11" in inside) == (name == "keyringctl")
        built = deb.fields.get("Static-Built-Using", "")
        assert ("curl" in inside) == ("curl" in built)
        if built:
            assert f"curl (= {versions['curl']})" in built


def test_two_bills_of_the_same_packages_are_alike(made, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    one, two = (sbom.document([(sorted(made.iterdir()), ROOT / "build/products")])
                for _ in range(2))
    assert one == two and one["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


@pytest.fixture
def made_for_arm64(made, directory):
    """Packages with the names of another architecture."""
    other = directory / "arm64"
    other.mkdir()
    for path in made.iterdir():
        name = path.name.replace("amd64", "arm64").replace("x86_64", "aarch64")
        shutil.copy(path, other / (name if name != path.name else f"{name}.other"))
    return other


def test_a_release_has_the_packages_of_both_architectures(tree, made, made_for_arm64):
    out = tree.parent / "out"
    release(tree, "--packages", made, "--out", out, "--arm64", "--arm64-packages", made_for_arm64,
            "--arm64-products", ROOT / "build/products")
    packed = {path.name for one in (made, made_for_arm64) for path in one.iterdir()}
    assert len(packed) == 2 * len(list(made.iterdir()))
    summed = {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert summed > packed
    bill = json.loads((out / f"openkeyring-{VERSION}.spdx.json").read_text())
    assert packed == {one["packageFileName"] for one in bill["packages"]
                      if "packageFileName" in one}
    check_bill(bill, out, packed)
    # What both have is there once.
    assert [one["name"] for one in bill["packages"]].count("tl-expected") == 1


def test_the_bill_of_materials_tells_versions_apart(made, monkeypatch):
    versions = iter(["1.0"] * 100)
    monkeypatch.setattr(sbom, "component_version", lambda name, machine: next(versions))
    packed, products = sorted(made.iterdir()), ROOT / "build/products"
    of_one = sbom.document([(packed, products)])
    versions = itertools.chain(["1.0"] * (len(of_one["relationships"]) - len(packed)),
                               itertools.repeat("2.0"))
    bill = sbom.document([(packed, products), (packed, products)])
    found = {(one["name"], one["versionInfo"]): one["SPDXID"] for one in bill["packages"]}
    assert found["tl-expected", "1.0"] != found["tl-expected", "2.0"]
