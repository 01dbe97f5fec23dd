# SPDX-License-Identifier: MIT
"""The software bill of materials of a release, as SPDX 2.3 in JSON: which package contains which
libraries of others, in which version and under which license. By the symbols of the binaries, as
packaging/tree.py finds them, so that it says what is there."""

import dataclasses
import datetime
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "packaging"))
import packages  # noqa: E402
from machine import Machine, machine_of_all  # noqa: E402
import tree  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Component:
    """A library that is linked in: where its version is from, and its license as SPDX calls it."""
    debian: str  # The Debian package that it was built from.
    source: str  # Its source package.
    license: str
    home: str


COMPONENTS = {
    "curl": Component("libcurl4-openssl-dev", "curl", "curl", "https://curl.se"),
    "cli11": Component("libcli11-dev", "cli11", "BSD-3-Clause",
                       "https://github.com/CLIUtils/CLI11"),
    "nlohmann-json": Component("nlohmann-json3-dev", "nlohmann-json3", "MIT",
                               "https://github.com/nlohmann/json"),
    "tl-expected": Component("libexpected-dev", "tl-expected", "CC0-1.0",
                             "https://github.com/TartanLlama/expected"),
    "libstdc++": Component("g++-12", "gcc-12", "GPL-3.0-or-later WITH GCC-exception-3.1",
                           "https://gcc.gnu.org"),
}


def component_version(name: str, machine: Machine) -> str:
    """Of the package that the build used; of curl, of the source that it was built from."""
    if name == "curl":
        return (tree.static_curl(machine) / "version").read_text().strip()
    return packages.run("dpkg-query", "-W", "-f", "${Version}", COMPONENTS[name].debian).strip()


def _id(text: str) -> str:
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def _component(identifier: str, name: str, version: str) -> dict:
    component = COMPONENTS[name]
    return {
        "SPDXID": identifier, "name": name, "versionInfo": version,
        "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
        "homepage": component.home, "filesAnalyzed": False, "copyrightText": "NOASSERTION",
        "licenseConcluded": component.license, "licenseDeclared": component.license,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{component.source}@{version}"}],
    }


def _artifact(path: pathlib.Path) -> dict:
    return {
        "SPDXID": _id(path.name), "name": path.name, "packageFileName": path.name,
        "versionInfo": packages.version(), "supplier": "Organization: OpenKeyring",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "copyrightText": "NOASSERTION", "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "MIT", "primaryPackagePurpose": "INSTALL",
        "checksums": [{"algorithm": "SHA256",
                       "checksumValue": hashlib.sha256(path.read_bytes()).hexdigest()}],
    }


def package_of(path: pathlib.Path) -> packages.Package:
    """The package that a file of packaging/package is."""
    for package in packages.PACKAGES:
        if re.match(re.escape(package.name) + r"[_-]\d", path.name):
            return package
    raise packages.Failed(f"{path.name} is not a package of this project")


class _Components:
    """Those that were found, each version once."""

    def __init__(self):
        self.found: dict[tuple[str, str], str] = {}  # (name, version): identifier

    def identifier(self, name: str, machine: Machine) -> str:
        version = component_version(name, machine)
        is_other = any(one == name for one, of in self.found if of != version)
        return self.found.setdefault(
            (name, version),
            _id(f"component-{name}" + (f"-{machine.debian}" if is_other else "")))

    def content(self) -> list[dict]:
        return [_component(identifier, name, version)
                for (name, version), identifier in sorted(self.found.items())]


def document(builds: list[tuple[list[pathlib.Path], pathlib.Path]]) -> dict:
    """Of packages and of the products in them, once for each architecture."""
    components, artifacts, relationships = _Components(), [], []
    for packed, products in builds:
        machine = machine_of_all([built for path in packed
                                  for built in tree.binaries(package_of(path), products)])
        for path in packed:
            artifacts.append(path)
            relationships.append(("SPDXRef-DOCUMENT", "DESCRIBES", _id(path.name)))
            inside = set().union(*(
                tree.linked_in(built) for built in tree.binaries(package_of(path), products)))
            relationships += [(_id(path.name), "STATIC_LINK", components.identifier(name, machine))
                              for name in sorted(inside)]
    content = [*map(_artifact, artifacts), *components.content()]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(packages.epoch(), datetime.UTC)
    name = f"openkeyring-{packages.version()}"
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": name, "documentNamespace": f"https://openkeyring.invalid/spdx/{name}-{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [f"Tool: {name}-sbom"]},
        "comment": "OpenSSL is not linked in: it is the system's.",
        "packages": content,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": two}
            for one, kind, two in relationships],
    }
