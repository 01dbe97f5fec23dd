# SPDX-License-Identifier: MIT
"""Debian packages, by dpkg-deb from a tree of files."""

import email.utils
import gzip
import hashlib
import os
import pathlib
import shutil
import tempfile

import tree
from machine import Machine, machine_of_all
from packages import MAINTAINER, REVISION, ROOT, Package, epoch, run, version

SCRIPTS = ROOT / "packaging/debian"
# Paths that a plugin's postinst is told of: a server that is installed after it.
SERVER_ARRIVES = "/etc/mysql/debian-start"


def make(package: Package, products: pathlib.Path, root: pathlib.Path,
         out: pathlib.Path) -> pathlib.Path:
    """Adds to the tree in `root` what only Debian has, and packs it."""
    _debian_files(package, root)
    control = root / "DEBIAN"
    control.mkdir()
    _scripts(package, control)
    files = sorted(path for path in root.rglob("*")
                   if path.is_file() and control not in path.parents)
    conffiles = [f"/{path.relative_to(root)}\n" for path in files if path.is_relative_to(
        root / "etc")]
    if conffiles:
        _write(control / "conffiles", "".join(conffiles))
    _write(control / "md5sums", "".join(
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
        for path in files if f"/{path.relative_to(root)}\n" not in conffiles))
    machine = machine_of_all(tree.binaries(package, products))
    _write(control / "control", _control(package, products, root, files, machine))
    for directory, _, _ in os.walk(root):
        os.chmod(directory, 0o755)
    archive = out / f"{package.name}_{version()}-{REVISION}_{machine.debian}.deb"
    # Under another name first: an interrupted run leaves no half of a package.
    unfinished = archive.with_suffix(".new")
    run("dpkg-deb", "--root-owner-group", "--build", root, unfinished,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch())})
    unfinished.rename(archive)
    return archive


def _debian_files(package: Package, root: pathlib.Path) -> None:
    text = (f"{package.name} ({version()}-{REVISION}) unstable; urgency=medium\n\n"
            f"  * Release {version()}; changelog.gz says what changed.\n\n"
            f" -- {MAINTAINER}  {email.utils.formatdate(epoch())}\n")
    path = root / "usr/share/doc" / package.name / "changelog.Debian.gz"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    path.chmod(0o644)
    overrides = (SCRIPTS / "lintian-overrides").read_text().replace("@PACKAGE@", package.name)
    groups = [group for group in overrides.split("\n\n")
              if group.strip() and _concerns(group, package)]
    if groups:
        path = root / "usr/share/lintian/overrides" / package.name
        path.parent.mkdir(parents=True)
        _write(path, "\n\n".join(groups).rstrip() + "\n")


def _concerns(group: str, package: Package) -> bool:
    """The first word after "#" of a group says which packages: all, mariadb, library, mysql."""
    return {"all": True, "mariadb": bool(package.configuration),
            "libraries": bool(package.libraries), "curl": "kmip" not in package.name,
            "mysql": bool(package.diverts)}[group.split()[1].rstrip(":")]


def _scripts(package: Package, control: pathlib.Path) -> None:
    if package.configuration:
        _script(control / "postinst", SCRIPTS / "mariadb-plugin.postinst",
                f"/{tree.OPTIONS}/{package.configuration}")
        _write(control / "triggers", f"interest-noawait {SERVER_ARRIVES}\n")
    if package.diverts:
        paths = " ".join(f"/{tree.PLUGINS}/{name}.so" for name in package.diverts)
        for name in ("preinst", "postrm"):
            _script(control / name, SCRIPTS / f"openkeyring-mysql.{name}", paths)


def _script(path: pathlib.Path, source: pathlib.Path, files: str) -> None:
    _write(path, source.read_text().replace("@FILES@", files))
    path.chmod(0o755)


def _depends(package: Package, machine: Machine, root: pathlib.Path,
             files: list[pathlib.Path]) -> str:
    """The libraries that the files need, as Debian names the packages. The tool wants a
    debian/control."""
    wanted = [path for path in files if path.suffix == ".so" or "usr/bin" in str(path.parent)]
    with tempfile.TemporaryDirectory() as scratch:
        debian = pathlib.Path(scratch) / "debian"
        debian.mkdir()
        _write(debian / "control", f"Source: openkeyring\n\nPackage: {package.name}\n"
                                   "Architecture: any\n")
        shutil.copytree(root, debian / package.name, dirs_exist_ok=True)
        others = [f"-S{path}" for path in machine.needed_packages()]
        done = run("dpkg-shlibdeps", "-O", *others, *(path.absolute() for path in wanted),
                   cwd=scratch, env={**os.environ, "DEB_HOST_ARCH": machine.debian})
    found = [line for line in done.splitlines() if line.startswith("shlibs:Depends=")]
    return "ca-certificates, " + found[0].partition("=")[2]


def _control(package: Package, products: pathlib.Path, root: pathlib.Path,
             files: list[pathlib.Path], machine: Machine) -> str:
    inside = set().union(*(tree.linked_in(one) for one in tree.binaries(package, products)))
    size = sum((path.stat().st_size + 1023) // 1024 for path in files)
    fields = {
        "Package": package.name,
        "Source": "openkeyring",
        "Version": f"{version()}-{REVISION}",
        "Architecture": machine.debian,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size),
        "Depends": _depends(package, machine, root, files),
        **package.fields,
        "Section": "database",
        "Priority": "optional",
    }
    if "curl" in inside:
        curl = (tree.static_curl(machine) / "version").read_text().strip()
        fields["Static-Built-Using"] = f"curl (= {curl})"
    fields["Description"] = package.summary + "".join(
        f"\n {line}" for line in package.description.splitlines())
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def _write(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)
