# SPDX-License-Identifier: MIT
"""Every file of the .deb packages: which, with what mode, and what it says."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import zlib

import archives
import guides
import packages
import pytest

from lab.patience import seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = "/usr/lib/mysql/plugin"
OPTIONS = "/etc/mysql/mariadb.conf.d"
LIBRARIES = {
    "mariadb-plugin-aws-key-management": ["aws_key_management"],
    "mariadb-plugin-kmip-key-management": ["kmip_key_management"],
    "openkeyring-mysql": ["component_keyring_kms", "component_keyring_kmip", "keyring_aws"],
    "keyringctl": [],
}
MARIADB = [name for name in LIBRARIES if name.startswith("mariadb-")]
GUIDES = {page.name for directory in ("docs", "docs/recipes")
          for page in (ROOT / directory).glob("*.md")} - {"architecture.md", "release.md"}
COMMON = GUIDES | {
    "copyright", "changelog.gz", "changelog.Debian.gz", "SECURITY.md", "monitoring.svg",
    "recover_sealed_keyring.py", *(
        f"examples/monitoring/{path.name}"
        for path in (ROOT / "packaging/examples/monitoring").iterdir())}
OF_MARIADB = COMMON | {"examples/selinux.txt", "examples/apparmor/usr.sbin.mariadbd",
                       "examples/systemd/mariadb.service.d/openkeyring.conf"}
DOCUMENTS = {
    "mariadb-plugin-aws-key-management": OF_MARIADB,
    "mariadb-plugin-kmip-key-management": OF_MARIADB,
    "openkeyring-mysql": COMMON | {
        "examples/selinux.txt", "examples/apparmor/usr.sbin.mysqld",
        "examples/systemd/mysql.service.d/openkeyring.conf",
        "examples/mysql/mysqld.my", "examples/mysql/component_keyring_kms.cnf",
        "examples/mysql/component_keyring_kmip.cnf", "examples/mysql/keyring_aws.cnf",
        "examples/mysql/encryption.cnf"},
    "keyringctl": COMMON | {f"schemas/{path.name}" for path in (ROOT / "docs/schemas").iterdir()},
}
ELF = {"amd64": 62, "arm64": 183}  # What an ELF header calls a processor.
PROGRAM = {"/usr/bin/keyringctl", "/usr/share/man/man1/keyringctl.1.gz",
           "/usr/share/bash-completion/completions/keyringctl",
           "/usr/share/zsh/vendor-completions/_keyringctl",
           "/usr/share/fish/vendor_completions.d/keyringctl.fish"}


def options_of(name: str) -> str:
    return f"{OPTIONS}/{LIBRARIES[name][0]}.cnf"


def expected(name: str) -> set[str]:
    files = {f"/usr/share/doc/{name}/{document}" for document in DOCUMENTS[name]}
    files |= {f"{PLUGINS}/{library}.so" for library in LIBRARIES[name]}
    files |= {f"/usr/share/lintian/overrides/{name}"}
    return files | (PROGRAM if name == "keyringctl" else set()) | (
        {options_of(name)} if name in MARIADB else set())


def test_there_are_four_packages(debs):
    assert set(debs) == set(LIBRARIES)


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_file_is_there_and_no_other(debs, name):
    assert set(debs[name].files) == expected(name)


def test_no_two_packages_have_one_file(debs):
    files = [file for deb in debs.values() for file in deb.files]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("name", LIBRARIES)
def test_everything_belongs_to_root_and_has_its_mode(debs, name):
    for path, entry in debs[name].entries.items():
        assert entry.owner == (0, 0, "root", "root"), path
        assert entry.kind != "link", path
        wanted = 0o755 if entry.kind == "directory" or path.startswith("/usr/bin/") else 0o644
        assert entry.mode == (0o640 if path.endswith("_management.cnf") else wanted), path


@pytest.mark.parametrize("name", LIBRARIES)
def test_checksums_and_conffiles(debs, name):
    deb = debs[name]
    conffiles = deb.scripts.get("conffiles", "").splitlines()
    assert conffiles == ([options_of(name)] if name in MARIADB else [])
    sums = dict(reversed(line.split("  ")) for line in deb.scripts["md5sums"].splitlines())
    assert {f"/{path}" for path in sums} == set(deb.files) - set(conffiles)
    for path, digest in sums.items():
        assert hashlib.md5(deb.files[f"/{path}"].content).hexdigest() == digest, path


@pytest.mark.parametrize("name", LIBRARIES)
def test_fields(debs, name, architecture):
    fields = debs[name].fields
    assert fields["Architecture"] == architecture
    assert debs[name].path.name.endswith(f"_{architecture}.deb")
    assert fields["Version"] == f"{packages.version()}-{packages.REVISION}"
    depends = re.sub(r" \([^)]*\)", "", fields["Depends"]).split(", ")
    assert {"ca-certificates", "libc6"} < set(depends)
    assert not any("curl" in one or "stdc++" in one for one in depends) or "libcurl4" in depends
    assert any(one.startswith("libssl3") for one in depends)
    if name != "keyringctl":
        assert "keyringctl" in fields["Recommends"] and "server" in fields["Recommends"]
    assert len(fields["Description"].splitlines()) > 2


def test_the_package_of_before_gives_its_files_away(debs):
    for name in [*MARIADB, "keyringctl"]:
        for field in ("Breaks", "Replaces"):
            assert "openkeyring-mariadb" in debs[name].fields[field].split(", ")
    for field in ("Breaks", "Replaces"):
        assert "openkeyring-mysql (<< 0.1.0-1)" in debs["keyringctl"].fields[field]
    now = debs["openkeyring-mysql"].fields["Version"]
    older = ["dpkg", "--compare-versions", "0.1.0", "lt", now]
    assert subprocess.run(older, check=False).returncode == 0


@pytest.mark.parametrize("name", MARIADB)
def test_the_configuration_does_nothing_until_somebody_edits_it(debs, name, directory):
    text = debs[name].text(options_of(name))
    assert [line for line in text.splitlines() if line and line[0] != "#"] == ["[mariadb]"]
    file = directory / "commented.cnf"
    file.write_text(text)
    assert options_in(file) == []


def options_in(file: pathlib.Path) -> list[str]:
    """As the server's own reader of option files understands it."""
    done = subprocess.run(["my_print_defaults", f"--defaults-file={file}", "mariadb"], text=True,
                          capture_output=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", MARIADB)
def test_without_the_marks_it_loads_the_plugin_and_encrypts_everything(debs, name, directory):
    file = directory / "edited.cnf"
    file.write_text(re.sub(r"^#(?=[a-z])", "", debs[name].text(options_of(name)), flags=re.M))
    found = [option.replace("-", "_") for option in options_in(file)]
    page = (ROOT / "docs/encrypt_everything.md").read_text()
    wanted = re.search(r"^```ini\n\[mariadb\]\n(.*?)^```", page, re.S | re.M)[1].splitlines()
    assert {"__" + line.replace(" ", "") for line in wanted} < set(found)
    product = LIBRARIES[name][0]
    assert f"__plugin_load_add={product}" in found and f"__{product}=FORCE_PLUS_PERMANENT" in found


@pytest.mark.parametrize("name", LIBRARIES)
def test_links_between_the_guides_resolve(debs, name):
    documents = debs[name].documents()
    there = {path.removeprefix(f"/usr/share/doc/{name}/") for path in debs[name].files}
    count = 0
    for document, text in documents.items():
        for path, anchor in guides.links(text):
            assert path == "" or path in there, f"{document} links to {path}"
            if anchor:
                target = documents[path] if path else text
                assert anchor in guides.anchors(target), f"{document}: {path}#{anchor}"
            count += 1
    assert count > 5, "the guides do refer to each other"


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_link_between_guides_is_cut(debs, name):
    documents = debs[name].documents()
    pages = {page.resolve(): page for directory in ("docs", "docs/recipes")
             for page in (ROOT / directory).glob("*.md") if page.name in GUIDES}
    for page in pages:
        wanted = {pages[target].name for path, _ in guides.links(page.read_text())
                  if (target := (page.parent / path).resolve()) in pages}
        assert wanted <= {path for path, _ in guides.links(documents[page.name])}, page


def test_a_link_to_what_is_not_shipped_is_plain_text():
    names = {"docs/a.md": "a.md", "README.md": "README.md"}
    text = "[a](a.md#x), [`b`](b.md#y), [up](../README.md), [here](#z), [net](https://a.example/b)"
    assert guides.shipped(text, "docs/a.md", names) == (
        "[a](a.md#x), `b`, [up](README.md), [here](#z), [net](https://a.example/b)")


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_licenses_of_what_is_inside(debs, name):
    text = debs[name].text(f"/usr/share/doc/{name}/copyright")
    kmip_alone = name == "mariadb-plugin-kmip-key-management"
    needs = debs[name].fields["Depends"]
    for notice, there in (("The OpenKeyring founders", True), ("Simon Brand", True),
                          ("GCC RUNTIME LIBRARY EXCEPTION", True),
                          ("Niels Lohmann", not kmip_alone),
                          ("Daniel Stenberg", not kmip_alone and "libcurl4" not in needs),
                          ("University of Cincinnati", name == "keyringctl")):
        assert (notice in text) == there, notice
    assert ("Static-Built-Using" in debs[name].fields) == ("Daniel Stenberg" in text)


@pytest.mark.parametrize("name", LIBRARIES)
def test_binaries_are_for_the_processor_of_the_package(debs, name, architecture):
    binaries = [entry.content for path, entry in debs[name].files.items()
                if path.startswith((PLUGINS, "/usr/bin/"))]
    assert len(binaries) == max(1, len(LIBRARIES[name]))
    for content in binaries:
        assert int.from_bytes(content[18:20], "little") == ELF[architecture]


@pytest.mark.parametrize("name", LIBRARIES)
def test_binaries_are_stripped_and_need_no_library_of_ours(debs, name, directory):
    for path, entry in debs[name].files.items():
        if path.startswith((PLUGINS, "/usr/bin/")):
            file = directory / pathlib.Path(path).name
            file.write_bytes(entry.content)
            read = subprocess.run(["readelf", "-SdW", file], text=True, capture_output=True,
                                  check=True).stdout
            assert ".symtab" not in read and ".comment" not in read, path
            assert "libstdc++" not in read and "RUNPATH" not in read and "RPATH" not in read, path


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_changelogs(debs, name):
    where = f"/usr/share/doc/{name}"
    mine = zlib.decompress(debs[name].files[f"{where}/changelog.Debian.gz"].content, 31).decode()
    assert mine.startswith(f"{name} ({debs[name].fields['Version']}) ")
    assert b"# Changelog" in zlib.decompress(debs[name].files[f"{where}/changelog.gz"].content, 31)


def test_examples_for_mysql_are_what_the_guides_say(debs):
    start = "/usr/share/doc/openkeyring-mysql/examples/mysql"
    deb = debs["openkeyring-mysql"]
    assert json.loads(deb.text(f"{start}/mysqld.my")) == {
        "components": "file://component_keyring_kms"}
    assert "kms_key" in json.loads(deb.text(f"{start}/component_keyring_kms.cnf"))
    assert "server_ca" in json.loads(deb.text(f"{start}/component_keyring_kmip.cnf"))


def test_the_tar_archives_have_the_same_files(made, debs, architecture):
    for name, deb in debs.items():
        path, = made.glob(f"{name}_*_{architecture}.tar.gz")
        entries = archives.files_of(path.read_bytes(), "gz")
        files = {file: entry for file, entry in entries.items() if entry.kind != "directory"}
        assert set(deb.files) - set(files) == {
            f"/usr/share/doc/{name}/changelog.Debian.gz", f"/usr/share/lintian/overrides/{name}"}
        for file, entry in files.items():
            assert entry.content == deb.files[file].content
        for file, entry in entries.items():
            assert entry.mode == deb.entries[file].mode, file
            assert entry.owner == (0, 0, "root", "root"), file


@pytest.mark.parametrize("product", [one for many in LIBRARIES.values() for one in many])
def test_cmake_installs_a_product(product, directory, build_directory):
    subprocess.run(["cmake", "--install", build_directory, "--prefix", "/usr",
                    "--component", product], env={**os.environ, "DESTDIR": str(directory)},
                   capture_output=True, timeout=seconds(60), check=True)
    found = [str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()]
    assert found == [f"usr/lib/mysql/plugin/{product}.so"]
