# SPDX-License-Identifier: MIT
"""RPM packages for Enterprise Linux, by Debian's rpmbuild from the same tree of files.

Libraries are in /usr/lib64/mysql/plugin, where the servers of Oracle's, Percona's and MariaDB's own
packages and Enterprise Linux' mysql-server look; those for MariaDB have a link in
/usr/lib64/mariadb/plugin, where Enterprise Linux' mariadb-server looks.
"""

import os
import pathlib
import shutil

import tree
from machine import machine_of_all
from packages import REVISION, ROOT, Package, epoch, run, version

PLUGINS = "usr/lib64/mysql/plugin"
MARIADB_PLUGINS = "usr/lib64/mariadb/plugin"
OPTIONS = "etc/my.cnf.d"
MOVED = {tree.PLUGINS: PLUGINS, tree.OPTIONS: OPTIONS,
         "usr/share/zsh/vendor-completions": "usr/share/zsh/site-functions"}
LICENSES = {"curl": "curl", "nlohmann-json": "MIT", "cli11": "BSD-3-Clause",
            "tl-expected": "CC0-1.0", "libstdc++": "(GPL-3.0-or-later WITH GCC-exception-3.1)"}


def make(package: Package, products: pathlib.Path, tree_root: pathlib.Path, scratch: pathlib.Path,
         out: pathlib.Path) -> pathlib.Path:
    root = scratch / "rpm-root"
    _move(package, tree_root, root)
    spec = scratch / f"{package.name}.spec"
    spec.write_text(_spec(package, products, root))
    top = scratch / "rpmbuild"
    machine = machine_of_all(tree.binaries(package, products))
    run("rpmbuild", "-bb", "--target", machine.rpm, "--buildroot", scratch / "buildroot",
        "--define", f"_topdir {top}",
        "--define", f"staged {root}", "--define", f"_dbpath {scratch}/rpmdb", spec,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), "LC_ALL": "C.UTF-8"})
    built, = top.glob("RPMS/*/*.rpm")
    return pathlib.Path(shutil.move(built, out / built.name))


def _move(package: Package, source: pathlib.Path, root: pathlib.Path) -> None:
    """What is elsewhere than in Debian; without the rules of AppArmor, which is not there."""
    shutil.copytree(source, root)
    for old, new in MOVED.items():
        if (root / old).exists():
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            (root / old).rename(root / new)
    for empty in ("usr/lib/mysql", "usr/lib", "etc/mysql"):
        if (root / empty).exists():
            (root / empty).rmdir()
    examples = root / "usr/share/doc" / package.name / "examples"
    shutil.rmtree(examples / "apparmor", ignore_errors=True)
    _rename_unit(examples / "systemd")
    if package.configuration:
        (root / MARIADB_PLUGINS).mkdir(parents=True)
        for name in package.libraries:
            (root / MARIADB_PLUGINS / f"{name}.so").symlink_to(f"../../mysql/plugin/{name}.so")


def _rename_unit(directory: pathlib.Path) -> None:
    """MySQL's unit is mysqld.service in the RPMs of Oracle, Percona and Enterprise Linux."""
    old = directory / "mysql.service.d"
    if old.exists():
        drop_in, = old.rename(directory / "mysqld.service.d").iterdir()
        text = drop_in.read_text().replace("mysql.service", "mysqld.service")
        drop_in.write_text(text.replace("systemctl restart mysql\n", "systemctl restart mysqld\n"))


def _files(root: pathlib.Path) -> str:
    lines = []
    for path in sorted(root.rglob("*")):
        name = f"/{path.relative_to(root)}"
        if name.startswith(f"/{OPTIONS}/"):
            lines.append(f"%config(noreplace) %attr(0640,root,root) {name}")
        elif name.endswith("/copyright"):
            lines.append(f"%license {name}")
        elif path.is_symlink() or path.is_file():
            lines.append(name)
        elif name.startswith("/usr/share/doc/"):
            lines.append(f"%dir {name}")
    return "\n".join(lines)


def _spec(package: Package, products: pathlib.Path, root: pathlib.Path) -> str:
    inside = set().union(*(tree.linked_in(one) for one in tree.binaries(package, products)))
    names = sorted({"MIT", *(LICENSES[name] for name in inside)})
    scripts = ""
    if package.configuration:
        scripts = (ROOT / "packaging/mariadb-plugin.spec").read_text().replace(
            "@FILE@", f"/{OPTIONS}/{package.configuration}")
    return f"""Name: {package.name}
Version: {version()}
Release: {REVISION}
Summary: {package.summary[0].upper()}{package.summary[1:]}
License: {' AND '.join(names)}
Requires: ca-certificates
{chr(10).join(package.rpm_fields)}

# Built and stripped before; nothing is to be changed here.
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost openkeyring

%description
{package.description}

%install
cp -a %{{staged}}/. %{{buildroot}}/

{scripts}
%files
%defattr(-,root,root)
{_files(root)}
"""
