# SPDX-License-Identifier: MIT
"""keyringctl init: what a server needs to load a product, and nothing overwritten."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import ctl
from changing import Tool, snapshot
from lab import kms_component, mariadb, mysql, process
from lab.patience import seconds
from lab.service import PRODUCTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def server(directory):
    """Directories as an installed server has them, a program that prints its options included."""
    for name in ("bin", "plugin", "data", "conf.d"):
        (directory / name).mkdir()
    (directory / "plugin" / "component_keyring_kms.so").touch()
    options = directory / "my.cnf"
    options.write_text(f"[mysqld]\ndatadir={directory}/data\nplugin-dir={directory}/plugin\n")
    return options


def test_option_files_of_the_plugins(tool: Tool, directory, server):
    cases = {
        "aws_key_management": [
            "plugin-load-add=aws_key_management",
            "aws-key-management=FORCE_PLUS_PERMANENT",
            "aws-key-management-region=eu-central-1",
        ],
    }
    for product, expected in cases.items():
        place = directory / f"options-{product}"
        place.mkdir()
        words = (
            "init",
            product,
            "--defaults-file",
            server,
            "--kms-key",
            "alias/k",
            "--region",
            "eu-central-1",
            "--option-dir",
            place,
            "--keyring-dir",
            directory / "keyring",
        )
        before = snapshot(directory)
        assert tool.json(*words, "--dry-run")["plan"][-1]["target"] == f"{place}/openkeyring.cnf"
        tool.run(*words, code=6)
        assert snapshot(directory) == before
        reply = tool.json(*words, "--yes")
        lines = (place / "openkeyring.cnf").read_text().splitlines()
        assert lines[0] == "[mariadb]"
        assert all(line in lines for line in expected)
        assert f"{place}/openkeyring.cnf" in reply["written"]
        again = tool.run(*words, "--yes").stdout.splitlines()
        assert again[0] == "everything is there already"
        assert again[-1].startswith("nothing is encrypted by that alone: ")
        assert again[-1].endswith("docs/encrypt_everything.md")
        assert tool.json(*words, "--yes")["changed"] is False
        (place / "openkeyring.cnf").write_text("[mysqld]\nmine=1\n")
        done = tool.run(*words, "--yes", code=1)
        assert "nothing was changed" in done.stderr
        assert (place / "openkeyring.cnf").read_text() == "[mysqld]\nmine=1\n"


def test_every_missing_option_is_named(tool: Tool, server):
    done = tool.run("init", "aws_key_management", "--defaults-file", server, "--yes", code=2)
    assert "--kms-key" in done.stderr and "--region" in done.stderr
    done = tool.run("init", "kmip_key_management", "--defaults-file", server, "--yes", code=2)
    for name in ("--kmip-servers", "--server-ca", "--client-cert", "--client-key"):
        assert name in done.stderr


def test_without_its_server_the_server_is_to_be_installed_first(tool: Tool, server):
    """The machine has MariaDB only."""
    done = tool.run("init", "keyring_aws", "--defaults-file", server, "--yes", code=2)
    assert "no MySQL server for keyring_aws was found on this machine, only " in done.stderr
    assert "hint: install the server first, or name another one with --datadir" in done.stderr


@contextlib.contextmanager
def calls_itself_mysql(directory):
    """What calls itself a MySQL that runs on this data directory: the machine may have another."""
    words = ["/nowhere/mysqld", "-c", "print('up', flush=True); import time; time.sleep(600)",
             f"--datadir={directory}/data"]
    with subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE) as started:
        started.stdout.readline()
        yield started
        started.kill()


class Plugin:
    """A plugin that init sets up for the server of the fixture, on an emulator."""

    def __init__(self, product: str, directory: pathlib.Path, server: pathlib.Path, kms, kmip):
        self.product, self.directory, self.server = product, directory, server
        with open(server, "a") as options:
            options.write(f"!includedir {directory}/conf.d\n")
        (directory / "plugin" / f"{product}.so").symlink_to(PRODUCTS / f"{product}.so")
        self.environment = {} if product.startswith("kmip") else kms.environment()
        self.written = directory / "conf.d" / "openkeyring.cnf"
        if product.startswith("kmip"):
            files = kmip.client_files("mariadb")
            more = ("--kmip-servers", f"127.0.0.1:{kmip.port}", "--object-group", directory.name,
                    "--server-ca", files["server_ca"], "--client-cert", files["client_ca"],
                    "--client-key", files["client_key"])
        else:
            more = ("--kms-key", kms.alias, "--region", kms.region, "--endpoint-url", kms.url,
                    "--keyring-dir", directory / "keyring")
        # What an emulator cannot be: encrypted HTTP, and certificates that last.
        self.unlike = "certificates" if product.startswith("kmip") else "tls"
        # The machine has MariaDB only; a MySQL is one that runs.
        self.is_mysql = product == "keyring_aws"
        named = () if self.is_mysql else ("--defaults-file", server)
        self.words = ("init", product, *named, "--datadir", directory / "data",
                      "--option-dir", directory / "conf.d", *more)

    def as_server(self):
        return calls_itself_mysql(self.directory) if self.is_mysql else contextlib.nullcontext()

    def check(self, *words, code: int = 0) -> dict:
        done = ctl.run(self.directory, "check", "--product", self.product, "--defaults-file",
                       self.server, "--datadir", self.directory / "data", "--json", "--skip",
                       "confinement", "--skip", self.unlike, *words, environment=self.environment)
        assert done.code == code, done
        return done.json()

    def make_keys(self, *lines: str) -> None:
        """As a first start does, with the options that were written."""
        variables = [f"--{line.partition('=')[0].replace('-', '_')}={line.partition('=')[2]}"
                     for line in self.written.read_text().splitlines()[1:]
                     if line.replace("-", "_").startswith(f"{self.product}_")]
        subprocess.run([ctl.writer(), self.product, self.directory / "plugin",
                        self.directory / "data", *variables], input="\n".join(lines) + "\n",
                       text=True, check=True, timeout=seconds(60), cwd=self.directory / "data",
                       env=process.bare_environment(self.directory, self.environment))


def worse(reply: dict) -> list[str]:
    return [f"{one['id']}: {finding['text']}" for one in reply["checks"]
            for finding in one["findings"] if finding["state"] in ("warning", "failed")]


@pytest.mark.parametrize("product", ["keyring_aws", "aws_key_management", "kmip_key_management"])
def test_check_is_content_with_what_was_written(product, tool: Tool, directory, server, kms, kmip):
    plugin = Plugin(product, directory, server, kms, kmip)
    before = snapshot(directory)
    with plugin.as_server():
        plan = tool.json(*plugin.words, "--dry-run")["plan"]
        tool.run(*plugin.words, code=6)
        assert snapshot(directory) == before
        reply = tool.json(*plugin.words, "--yes")
    assert reply["changed"] and reply["written"] == [step["target"] for step in plan]
    assert plan[-1]["target"] == str(plugin.written)

    pre = plugin.check("--pre")
    assert pre["state"] == "ok" and len(pre["checks"]) >= 10, worse(pre)
    plugin.make_keys(*(["latest 1", "rotate 1"] if "management" in product
                       else ["store INNODBKey-a-1 - AES"]))
    found = plugin.check("--strict")
    assert found["would_find_keys"] is True and found["state"] == "ok", worse(found)
    by_id = {one["id"]: one for one in found["checks"]}
    for name in ("config", "manifest", "library", "keys", "start"):
        assert by_id[name]["state"] == "ok", by_id[name]

    # Nothing to do; and then something that is not ours.
    with plugin.as_server():
        assert tool.json(*plugin.words, "--yes")["changed"] is False
        plugin.written.write_text("[mysqld]\nmine=1\n")
        before = snapshot(directory)
        for more in ([], ["--yes"], ["--dry-run"]):
            done = tool.run(*plugin.words, *more, code=1)
            assert "is there and says something else; nothing was changed" in done.stderr
        assert snapshot(directory) == before


@pytest.mark.parametrize("product", ["aws_key_management", "kmip_key_management",
                                     pytest.param("keyring_aws", marks=pytest.mark.sid)])
def test_a_server_starts_with_the_plugin_that_was_set_up_or_not_at_all(
        product, tool: Tool, directory, server, kms, kmip):
    """Without FORCE_PLUS_PERMANENT, it starts without the plugin, and MariaDB makes tables in
    clear."""
    plugin = Plugin(product, directory, server, kms, kmip)
    with plugin.as_server():
        tool.run(*plugin.words, "--yes")
    lines = plugin.written.read_text().splitlines()
    assert lines[0] == ("[mysqld]" if plugin.is_mysql else "[mariadb]")
    options = [f"--{line}" for line in lines[1:]]
    database = (mysql.MySQL if plugin.is_mysql else mariadb.MariaDB)(
        directory / "m", plugins=[PRODUCTS / f"{product}.so"], options=options,
        environment=plugin.environment)
    encrypted = "ENCRYPTION='Y'" if plugin.is_mysql else "ENCRYPTED=YES"
    try:
        database.start()
        database.sql(f"CREATE DATABASE d; CREATE TABLE d.t (a INT) {encrypted}; DROP TABLE d.t")
        with pytest.raises(mariadb.SqlError):
            database.sql(f"UNINSTALL PLUGIN {product}")
        database.stop()
        database.options = [re.sub("(-region|-servers|_cmk_id)=.*", r"\1=not one", option)
                            for option in options]
        assert database.options != options
        with pytest.raises(process.Failed):
            database.start()
    finally:
        database.kill()


def settings_of(text: str, product: str) -> dict[str, str]:
    """What the first option group of a document says of the plugin, commented out or not."""
    start = re.search(r"^\[\w+\]", text, re.M).start()
    group = re.split(r"^```|^CNF$", text[start:], flags=re.M)[0]
    names = re.compile(rf"(?:^|\s)#?((?:early|plugin)[-_]\w[\w-]*|{product.replace('_', '[-_]')}"
                       r"[\w-]*) *= *(\S+)")
    return {name.replace("-", "_"): value for name, value in names.findall(group)}


# What init writes and a guide does not, and the other way around: keys in a file, or found.
DIFFERENT = {"keyring_aws": {"keyring_aws_credentials", "keyring_aws_conf_file"}}


@pytest.mark.parametrize("product, documents", [
    ("aws_key_management", ["README.md", "packaging/aws_key_management.cnf"]),
    ("kmip_key_management", ["packaging/kmip_key_management.cnf"]),
    ("keyring_aws", ["packaging/examples/mysql/keyring_aws.cnf"]),
])
def test_guide_example_and_init_load_a_plugin_alike(product, documents, tool: Tool, directory,
                                                    server, kms, kmip):
    plugin = Plugin(product, directory, server, kms, kmip)
    with plugin.as_server():
        planned = tool.json(*plugin.words, "--dry-run")["plan"][-1]["detail"]
    written = settings_of(planned, product)
    written.pop(f"{product}_endpoint_url", None)
    assert written[product] == "FORCE_PLUS_PERMANENT" and len(written) >= 4
    for document in [f"docs/{product}.md", *documents]:
        said = settings_of((ROOT / document).read_text(), product)
        assert set(said) ^ set(written) == DIFFERENT.get(product, set()), document
        for name in said:
            if name == product or name.endswith(("plugin_load", "plugin_load_add")):
                assert said[name] == written[name], document


def test_guide_example_and_init_configure_a_component_alike(tool: Tool, directory, server):
    with calls_itself_mysql(directory):
        plan = tool.json("init", "component_keyring_kms", "--datadir", directory / "data",
                         "--plugin-dir", directory / "plugin", "--kms-key", "alias/k", "--region",
                         "eu-central-1", "--keyring-dir", directory / "k", "--dry-run")["plan"]
    written = set(json.loads(plan[-2]["detail"]))
    assert "region" in written
    for document in ("README.md", "docs/component_keyring_kms.md",
                     "packaging/examples/mysql/component_keyring_kms.cnf"):
        found = re.search(r'\{ "path": [^}]*\}', (ROOT / document).read_text())[0]
        assert set(json.loads(found)) == written, document


# For keys outside of the data directory, by an option that init does not write.
ONLY_IN_EXAMPLE = {"mysql": set(), "mariadb": {"#RequiresMountsFor=/var/lib/mysql-keys"}}


@pytest.mark.parametrize("service, products", [
    ("mysql", ["keyring_aws"]), ("mariadb", ["aws_key_management", "kmip_key_management"])])
def test_the_drop_in_is_that_of_the_package(service, products, tool: Tool, directory, server, kms,
                                            kmip):
    printed = set()
    for product in products:
        plugin = Plugin(product, directory, server, kms, kmip)
        with plugin.as_server():
            lines = tool.json(*plugin.words, "--yes")["systemd_drop_in"]
            shown = tool.run(*plugin.words, "--yes").stdout
        plugin.written.unlink()
        assert lines[0].startswith("systemd: add to /etc/systemd/system/m")
        assert "\n".join(lines) in shown
        keyring = str(directory / "keyring")
        printed |= {line.strip().replace(keyring, "/var/lib/mysql-keyring") for line in lines[1:]}
    example = ROOT / f"packaging/examples/systemd/{service}.service.d/openkeyring.conf"
    wanted = {line for line in example.read_text().splitlines()
              if re.match(r"#?[A-Z]\w+=|\[", line)} - ONLY_IN_EXAMPLE[service]
    if service == "mysql":
        wanted = {line for line in wanted if "kmip" not in line}
    # Not printed where the unit of this machine waits long enough.
    assert printed | {"TimeoutStartSec=900"} == wanted


@pytest.mark.parametrize("line", ["plugin-load-add=aws_key_management.so",
                                  "loose-aws-key-management-region=eu-central-1"])
def test_a_plugin_that_another_option_file_has_is_not_set_up_twice(tool: Tool, directory, server,
                                                                   line):
    (directory / "conf.d" / "package.cnf").write_text(f"[mariadb]\n{line}\n")
    with open(server, "a") as options:
        options.write(f"!includedir {directory}/conf.d\n")
    words = ("init", "aws_key_management", "--defaults-file", server, "--kms-key", "alias/k",
             "--region", "eu-central-1", "--option-dir", directory / "conf.d")
    before = snapshot(directory)
    for more in (["--yes"], ["--dry-run"]):
        done = tool.run(*words, *more, code=1)
        assert "have aws_key_management already" in done.stderr and "comment" in done.stderr
    assert snapshot(directory) == before
    (directory / "conf.d" / "package.cnf").unlink()
    tool.run(*words, "--yes")


@pytest.fixture
def running_mysql(directory, server):
    with calls_itself_mysql(directory) as started:
        yield started


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("state", ["killed", "in use", "of another user"])
def test_killed_before_the_directory_has_its_owner_the_next_run_sets_it(
        tool: Tool, directory, running_mysql, state):
    """Only of an empty directory of root: any other is as somebody wanted it."""
    keyring, options = directory / "keyring", directory / "conf.d"
    os.chown(directory / "data", 65534, 65534)
    keyring.mkdir(mode=0o750)
    if state == "in use":
        (keyring / "keyring_aws_data").touch()
    if state == "of another user":
        os.chown(keyring, 33, 33)
    words = ("init", "keyring_aws", "--kms-key", "alias/k", "--region", "eu-central-1",
             "--keyring-dir", keyring, "--option-dir", options, "--datadir", directory / "data")
    plan = tool.json(*words, "--dry-run")["plan"]
    planned = [step["action"] for step in plan if step["target"] == str(keyring)]
    assert planned == (["set owner"] if state == "killed" else [])
    tool.run(*words, "--yes")
    owner = keyring.stat()
    assert (owner.st_uid, owner.st_gid) == {
        "killed": (65534, 65534), "in use": (0, 0), "of another user": (33, 33)}[state]
    assert tool.json(*words, "--yes")["changed"] is False


@pytest.mark.sid
def test_a_server_loads_what_was_written(tool: Tool, directory, kms):
    """A real MySQL, which is found because it runs, without a keyring so far."""
    server = kms_component.MySQLWithKms(directory / "m", kms)
    (server.program_directory / "mysqld.my").unlink()
    (server.plugin_directory / "component_keyring_kms.cnf").unlink()
    server.start()
    place = directory / "keyring"
    words = (
        "init",
        "component_keyring_kms",
        "--datadir",
        server.data,
        "--plugin-dir",
        server.plugin_directory,
        "--kms-key",
        kms.alias,
        "--region",
        kms.region,
        "--endpoint-url",
        kms.url,
        "--keyring-dir",
        place,
    )
    reply = tool.json(*words, "--yes")
    server.stop()
    assert [pathlib.Path(path).name for path in reply["written"]] == [
        "keyring",
        "component_keyring_kms.cnf",
        "mysqld.my",
    ]
    about, data = place.stat(), server.data.stat()
    assert about.st_mode & 0o777 == 0o750
    assert (about.st_uid, about.st_gid) == (data.st_uid, data.st_gid) or os.getuid() != 0
    manifest = json.loads((server.program_directory / "mysqld.my").read_text())
    assert manifest == {"components": "file://component_keyring_kms"}
    server.start()
    try:
        assert server.status()["Component_status"] == "Active"
        assert (place / "keyring").exists()
    finally:
        server.kill()
