# SPDX-License-Identifier: MIT
"""The files of a package, below a directory that stands for /. In Debian's places; rpm.py moves
what is elsewhere in Enterprise Linux."""

import functools
import gzip
import os
import pathlib
import re
import shutil
import subprocess

import guides
from machine import Machine, machine_of, machine_of_all
from packages import ROOT, Failed, Package, run

PLUGINS = "usr/lib/mysql/plugin"  # Debian's MariaDB; Oracle's and Percona's packages for Debian.
OPTIONS = "etc/mysql/mariadb.conf.d"
NOTICES = ROOT / "packaging/notices"
# A name in the symbols says that the library is inside.
LINKED_IN = {"cli11": " CLI::", "nlohmann-json": " nlohmann::", "tl-expected": " tl::"}


def make(package: Package, products: pathlib.Path, root: pathlib.Path) -> None:
    """Fills `root`, which must not exist."""
    _libraries(package, products, root)
    if package.program:
        _program(products / package.program, root)
    if package.configuration:
        _write(root / OPTIONS / package.configuration,
               (ROOT / "packaging" / package.configuration).read_text(), 0o640)
    documents = root / "usr/share/doc" / package.name
    _write(documents / "copyright", copyright_of(package, products))
    _documents(package, documents)
    for name in package.examples:
        _copy(ROOT / "packaging/examples" / name, documents / "examples" / name)


def binaries(package: Package, products: pathlib.Path) -> list[pathlib.Path]:
    """What is built, as it was built: with its symbols."""
    names = [f"{name}.so" for name in package.libraries]
    return [products / name for name in [*names, *filter(None, [package.program])]]


def _libraries(package: Package, products: pathlib.Path, root: pathlib.Path) -> None:
    for name in package.libraries:
        path = root / PLUGINS / f"{name}.so"
        _copy(products / f"{name}.so", path)
        _strip(path, "--strip-unneeded")


def _program(built: pathlib.Path, root: pathlib.Path) -> None:
    """With its manual page and completions, as it prints them."""
    path = root / "usr/bin" / built.name
    _copy(built, path, 0o755)
    _strip(path, "--strip-all")
    share = root / "usr/share"
    command = [*machine_of(built).runner(), built]
    page = gzip.compress(run(*command, "man").encode(), 9, mtime=0)
    _write_bytes(share / f"man/man1/{built.name}.1.gz", page)
    for shell, place in (("bash", f"bash-completion/completions/{built.name}"),
                         ("zsh", f"zsh/vendor-completions/_{built.name}"),
                         ("fish", f"fish/vendor_completions.d/{built.name}.fish")):
        _write(share / place, run(*command, "completion", shell))


def _documents(package: Package, directory: pathlib.Path) -> None:
    names = {}
    for source in package.documents:
        path = ROOT / source
        for one in sorted(path.iterdir()) if path.is_dir() else [path]:
            names[str(one.relative_to(ROOT))] = str(one.relative_to(path.parent))
    for source, name in names.items():
        text = (ROOT / source).read_text()
        _write(directory / name, guides.shipped(text, source, names)
               if source.endswith(".md") else text)
    changes = guides.shipped((ROOT / "CHANGELOG.md").read_text(), "CHANGELOG.md", names)
    _write_bytes(directory / "changelog.gz", gzip.compress(changes.encode(), 9, mtime=0))


@functools.cache
def linked_in(built: pathlib.Path) -> set[str]:
    """The libraries that are inside of a program or library: names of packaging/notices, and
    curl."""
    machine = machine_of(built)
    symbols = run(machine.tool("nm"), "-C", built)
    if "no symbols" in symbols:
        raise Failed(f"{built} has no symbols: build it again")
    found = {name for name, mark in LINKED_IN.items() if mark in symbols}
    if re.search(r" curl_easy_init$", symbols, re.M):
        if not re.search(r" U curl_easy_init$", symbols, re.M):
            found.add("curl")
    if "libstdc++.so" not in run(machine.tool("readelf"), "-d", built):
        found.add("libstdc++")
    return found


@functools.cache
def static_curl(machine: Machine) -> pathlib.Path:
    """Where the libcurl is from that products for this machine contain."""
    done = subprocess.run([ROOT / "tools/static_curl", *machine.toolchain()], text=True,
                          capture_output=True, check=False)
    directory = pathlib.Path(done.stdout.strip() or "/nonexistent")
    if done.returncode != 0 or not (directory / "copyright").is_file():
        raise Failed(f"no license of the libcurl that is linked in: {done.stderr.strip()}")
    return directory


def copyright_of(package: Package, products: pathlib.Path) -> str:
    text = (ROOT / "LICENSE").read_text()
    built = binaries(package, products)
    inside = set().union(*map(linked_in, built))
    if inside:
        text += "\nThe binaries contain parts of the following, under these licenses.\n"
    for name in sorted(inside):
        curl = static_curl(machine_of_all(built)) if name == "curl" else None
        notice = (f"curl {(curl / 'version').read_text()}\n" + (curl / "copyright").read_text()
                  if curl else (NOTICES / name).read_text())
        text += f"\n{'-' * 76}\n{notice.rstrip()}\n"
    return text


def _strip(path: pathlib.Path, how: str) -> None:
    run(machine_of(path).tool("strip"), how, "--remove-section=.comment", "--remove-section=.note",
        path)


def _copy(source: pathlib.Path, target: pathlib.Path, mode: int = 0o644) -> None:
    if source.is_dir():
        for name in sorted(os.listdir(source)):
            _copy(source / name, target / name, mode)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _write(path: pathlib.Path, text: str, mode: int = 0o644) -> None:
    _write_bytes(path, text.encode(), mode)


def _write_bytes(path: pathlib.Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
