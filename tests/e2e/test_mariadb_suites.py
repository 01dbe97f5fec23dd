# SPDX-License-Identifier: MIT
"""MariaDB's own suites for encryption and backup, with our plugin in file_key_management's place and
the emulator as KMS, once for each store of keys."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lab import aws_plugin, process
from lab.patience import seconds

MTR = pathlib.Path("/usr/share/mysql/mysql-test")
PLUGINS = pathlib.Path("/usr/lib/mysql/plugin")
INCLUDE = "have_file_key_management_plugin"

NOT_OURS = {
    # About the file of keys of the other plugin.
    "filekeys_emptyfile", "filekeys_encfile_bad", "filekeys_encfile_file", "filekeys_encfile_no",
    "filekeys_goodtest", "filekeys_secret_too_long", "filekeys_secret_openssl_rand_128bits",
    "filekeys_tooshort", "filekeys_unenc", "filekeys_encfile",
    # The server is restarted with another file of keys.
    "innodb-bad-key-change", "innodb-compressed-blob", "innodb-missing-key", "innodb-redo-nokeys",
    # A key id that the file does not have must fail; this plugin makes it.
    "innodb-page_encryption", "innodb-page_encryption-32k",
}


def adapt(path: pathlib.Path, suites: pathlib.Path, options: list[str]) -> None:
    """A copied file: paths of what is copied, too, and our options for the other plugin's."""
    text = path.read_bytes().decode("latin-1")
    text = re.sub(r"(?<![\w/])(?:suite|\.\./\.\.|\$MTR_SUITE_DIR/\.\.)/(encryption|mariabackup)/",
                  rf"{suites}/\1/", text)
    text = re.sub(r"^--(?:loose-)?plugin-load(?:-add)?=\$(?:FILE|EXAMPLE|DEBUG)_KEY_MANAGEMENT_SO$", "\n".join(options),
                  text, flags=re.M)
    text = re.sub(r"\.\./\.\./suite/", f"{suites}/", text)
    text = re.sub(r"^--(?:loose-)?file-key-management\S*$", "", text, flags=re.M)
    text = text.replace("include/have_file_key_management.inc", f"{suites}/ours.inc")
    path.write_bytes(text.encode("latin-1"))


def copy_suites(directory: pathlib.Path, options: list[str]) -> pathlib.Path:
    suites = directory / "suites"
    plugins = directory / "plugins"
    plugins.mkdir()
    for plugin in PLUGINS.glob("*.so"):
        (plugins / plugin.name).symlink_to(plugin)
    (plugins / aws_plugin.PLUGIN.name).unlink(missing_ok=True)
    (plugins / aws_plugin.PLUGIN.name).symlink_to(aws_plugin.PLUGIN)
    for suite in ("encryption", "mariabackup"):
        shutil.copytree(MTR / "suite" / suite, suites / suite)
        for path in (suites / suite).rglob("*"):
            if path.is_file() and path.suffix in (".test", ".inc", ".opt", ".cnf"):
                adapt(path, suites, [f"--plugin-dir={plugins}", "--plugin-maturity=unknown", *options])
        (suites / suite / "disabled.def").unlink(missing_ok=True)
    for suite in (MTR / "suite").iterdir():  # What is included from them.
        if not (suites / suite.name).exists():
            (suites / suite.name).symlink_to(suite)
    (suites / "ours.inc").write_text("# Our plugin is there.\n")
    include = suites / "encryption" / "include"
    lines = [f"plugin-dir={plugins}", "plugin-maturity=unknown", *[o.removeprefix("--") for o in options],
             "--skip-innodb-read-only-compressed"]
    (include / f"{INCLUDE}.combinations").write_text("[ours]\n" + "\n".join(lines) + "\n")
    check = include / f"{INCLUDE}.inc"
    check.write_text(check.read_text().replace("file_key_management", "aws_key_management"))
    (suites / "encryption" / "suite.pm").write_text(
        "package My::Suite::Encryption;\n@ISA = qw(My::Suite);\nbless { };\n")
    return suites


def list_tests(suites: pathlib.Path, suite: str) -> list[str]:
    """The tests that use a plugin in whose place ours can be put."""
    def uses_ours(path: pathlib.Path) -> bool:
        options = path.with_suffix(".opt")
        return INCLUDE in path.read_text(errors="replace") or (
            options.exists() and "aws_key_management" in options.read_text(errors="replace"))
    return sorted(path.stem for path in (suites / suite).rglob("*.test")
                  if uses_ours(path) and path.stem not in NOT_OURS)


def run(suites: pathlib.Path, suite: str, names: list[str], directory: pathlib.Path, kms) -> dict[str, str]:
    """pass, fail or skipped by test."""
    done = subprocess.run(
        ["perl", "mariadb-test-run.pl", f"--suite={suites / suite}", f"--vardir={directory}/var",
         "--nowarnings", "--force", "--max-test-fail=0", "--retry=0", "--testcase-timeout=10", *names],
        cwd=MTR, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=seconds(3000),
        env={**process.bare_environment(directory), **kms.environment(),
             **({"MTR_ALLOW_ROOT": "1"} if os.geteuid() == 0 else {})})
    (directory / f"{suite}.log").write_text(done.stdout)
    outcomes: dict[str, str] = {}
    for name, outcome in re.findall(r"^\S*?([\w-]+)(?: '[^']*')?(?: w\d+)? +\[ (pass|fail|skipped) \]", done.stdout, re.M):
        outcomes[name] = "fail" if outcome == "fail" or outcomes.get(name) == "fail" else outcome
    assert outcomes, done.stdout[-4000:]
    return outcomes


@pytest.mark.long
@pytest.mark.parametrize("store", ["FILES", "SEALED"])
@pytest.mark.parametrize("suite", ["encryption", "mariabackup"])
def test_mariadbs_own_suite(suite, store, kms, directory):
    suites = copy_suites(directory, aws_plugin.options(kms, store=store))
    outcomes = run(suites, suite, list_tests(suites, suite), directory, kms)
    failed = sorted(name for name, outcome in outcomes.items() if outcome == "fail")
    assert failed == [], f"{(directory / f'{suite}.log').read_text()[-6000:]}"
    assert sum(outcome == "pass" for outcome in outcomes.values()) > 5, outcomes
