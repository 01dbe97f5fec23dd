# SPDX-License-Identifier: MIT
"""The contract of docs/keyringctl.md: output, exit codes, help, completions."""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import changing
import conftest
import ctl
import pytest

from lab import percona_file, process
from lab.patience import seconds

DOCUMENT = ctl.ROOT / "docs" / "keyringctl.md"


def help_of(home, *words) -> str:
    done = ctl.run(home, *words, "--help")
    assert done.code == 0 and done.err == "", done
    return done.out


def commands(home) -> list[str]:
    text = help_of(home).split("Commands:\n")[1].split("\nOptions:")[0]
    return [re.match(r"  (\S+(?: \S+)?)(?:\s{2,}|$)", line)[1]
            for line in text.splitlines() if re.match(r"  \S", line)]


@pytest.fixture
def keyring(make_keyring):
    made = make_keyring("component_keyring_kms")
    made.write("store INNODBKey-uuid-1 - AES", "store app u@h SECRET")
    return made


READING = {"check", "list", "show", "verify", "due", "bundle", "help", "man", "completion"}
COMMANDS = ["check", "list", "show", "verify", "due", "bundle", "convert", "migrate", "backup",
            "restore", "rewrap", "init", "slot list", "slot add", "slot remove", "reseal",
            "recover", "completion", "man", "help"]


WITHOUT_KEYRING = {"help", "man", "completion"}


class Example:
    """A line of a help: with the options that name this keyring in place of the server of the
    machine, and with files below `directory` in place of those that it names."""

    def __init__(self, line: str, command: str, keyring, directory):
        self.line, self.command, self.keyring, self.root = line, command, keyring, directory
        words = line.split()[1:]
        self.words = words[:words.index(">")] if ">" in words else words
        self.words = [str(self.place(word)) if word.startswith("/") else word
                      for word in self.words]
        for option, value in (("--path", keyring.data / "keyring"), ("--config", keyring.config)):
            if option in self.words:
                self.words[self.words.index(option) + 1] = str(value)

    def place(self, path: str):
        made = self.root / "machine" / path.lstrip("/")
        made.parent.mkdir(parents=True, exist_ok=True)
        return made

    def argument(self, option: str):
        return self.words[self.words.index(option) + 1]

    def prepare(self) -> None:
        """What must be there before it; of most, the keyring is all."""
        match self.command:
            case "restore":
                self.ctl("backup", self.words[1], *self.keyring.where(), "--yes")
                (self.keyring.data / "keyring").unlink()
            case "migrate":
                plain = self.place("plain")
                changing.write_plain(plain, changing.SOME)
                pathlib.Path(self.words[1]).write_text(json.dumps({"path": str(plain)}))
                shutil.copy(self.keyring.config, self.words[2])
            case "recover":
                private, public = make_recovery_key(self.root)
                shutil.copy(private, self.argument("--private-key"))
                self.configure(recovery_public_key=str(public))
                self.ctl("slot", "add", *self.keyring.where(), "--yes")
            case "slot remove":
                options = json.loads(self.keyring.config.read_text())
                self.configure(recovery_public_key=str(make_recovery_key(self.root)[1]))
                self.ctl("slot", "add", *self.keyring.where(), "--yes")
                self.keyring.configure(options)

    def configure(self, **more) -> None:
        self.keyring.configure({**json.loads(self.keyring.config.read_text()), **more})

    def ctl(self, *words) -> ctl.Result:
        done = ctl.run(self.root, *words, environment=self.keyring.environment)
        assert done.code == 0, (self.line, done)
        return done

    def run(self) -> None:
        named = [] if self.command in WITHOUT_KEYRING else self.keyring.where()
        if "--config" in self.words:
            named = []
        if self.command in ("migrate", "init"):
            named = ["--datadir", str(self.keyring.data)]
        self.prepare()
        before = ctl.picture(self.root)
        done = self.ctl(*self.words, *named)
        if "--dry-run" in self.words:
            assert ctl.picture(self.root) == before, self.line
        elif "--yes" in self.words:
            assert ctl.picture(self.root) != before, self.line
        assert done.out or self.command == "due", self.line


def make_recovery_key(directory):
    """Its two halves."""
    private, public = directory / "recovery-private.pem", directory / "recovery.pem"
    for words in (["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072",
                   "-out", private], ["pkey", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *map(str, words)], check=True, timeout=seconds(60))
    return private, public


@pytest.fixture
def running_server(keyring, directory):
    """What init finds: a MySQL that runs on this data directory."""
    words = [directory / "bin" / "mysqld", "-c", "import time; time.sleep(600)",
             f"--datadir={keyring.data}", f"--plugin-dir={keyring.plugin}"]
    (directory / "bin").mkdir()
    with subprocess.Popen([str(word) for word in words], executable=sys.executable) as started:
        process.wait_until(lambda: b"--datadir" in pathlib.Path(
            f"/proc/{started.pid}/cmdline").read_bytes(), "the process")
        yield started
        started.kill()


def examples_of(directory, command: str) -> list[str]:
    text = help_of(directory, *command.split()).split("Example")[1]
    return [line for line in text.splitlines() if line.startswith("  keyringctl ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_every_help_runs(keyring, directory, running_server, command):
    """Those of the changing commands with --yes or --dry-run, as they say."""
    if command == "init":
        keyring.config.unlink()
    if command == "migrate":  # It is refused while a server uses the keyring.
        running_server.kill()
        running_server.wait()
    lines = examples_of(directory, command)
    for line in lines:
        Example(line, command, keyring, directory).run()
    assert lines


def test_every_command_has_an_example_that_is_run(directory):
    assert commands(directory) == COMMANDS


def test_every_command_has_a_json_reply_that_fits_its_schema(keyring, directory):
    words = {"show": ["app"], "due": ["--older-than", "1d"], "bundle": ["bundle.tar"],
             "completion": ["zsh"]}
    for command in READING:
        named = [] if command in ("help", "man", "completion") else keyring.where()
        done = ctl.run(directory, command, *words.get(command, []), *named, "--json",
                       environment=keyring.environment)
        reply = done.json()
        assert reply["schema"] == f"openkeyring/{command}/1" and done.code == 0


def test_an_error_is_json_on_stderr_with_json(directory):
    for words in (["list", "--no-such"], ["lst"], ["list", "--color", "blue"],
                  ["list", "--path", "missing"], ["show"]):
        done = ctl.run(directory, *words, "--json")
        assert done.code == 2 and done.error()["code"] == 2
    assert ctl.run(directory, "list", "--path", "missing").err.startswith("keyringctl: error: ")


def test_a_wrong_word_is_answered_with_the_nearest_one(directory):
    for words, nearest in ((["lst"], "list"), (["list", "--prodct", "x"], "--product"),
                           (["help", "exit-code"], "exit-codes")):
        done = ctl.run(directory, *words)
        assert done.code == 2 and f"hint: did you mean {nearest}?" in done.err


def test_options_take_exactly_one_value(keyring):
    done = keyring.ctl("show", "app", "--json")
    assert [key["id"] for key in done.json()["keys"]] == ["app"]
    assert ctl.run(keyring.directory, "list", "--path").code == 2
    assert keyring.ctl("list", "extra").code == 2


def test_version_and_help(directory):
    assert re.fullmatch(r"keyringctl \d+\.\d+\.\d+\n", ctl.run(directory, "--version").out)
    for command in commands(directory):
        text = help_of(directory, *command.split())
        assert text.startswith(f"usage: keyringctl {command} ") and "\nExample" in text
        assert all(len(line) <= 100 for line in text.splitlines())


def test_man_and_completions_have_every_command_and_option(directory):
    man = ctl.run(directory, "man").out
    scripts = [ctl.run(directory, "completion", shell).out for shell in ("bash", "zsh", "fish")]
    for command in commands(directory):
        options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", help_of(directory, *command.split()),
                             re.M)
        assert "--json" in options
        assert f"keyringctl {command}" in man
        for option in options:
            assert option.replace("-", r"\-") in man, option
            assert option in scripts[0] and option in scripts[1]
            assert f"-l {option[2:]}" in scripts[2]


@pytest.mark.parametrize("line,expected", [("keyringctl li", "list"),
                                           ("keyringctl list --prod", "--product"),
                                           ("keyringctl list --product key", "keyring_aws"),
                                           ("keyringctl completion f", "fish")])
def test_bash_completes(directory, line, expected):
    script = ctl.run(directory, "completion", "bash").out
    words = line.split()
    program = script + f"""
COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _keyringctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", program], text=True, capture_output=True, check=True)
    assert done.stdout.split() == [expected]


def test_zsh_and_fish_take_their_scripts(directory):
    for shell in ("zsh", "fish"):
        if not shutil.which(shell):
            continue
        script = ctl.run(directory, "completion", shell).out
        done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True,
                              check=False)
        assert done.returncode == 0, done.stderr


# ---- Output --------------------------------------------------------------------------------------


def in_terminal(keyring, *words, **variables) -> str:
    return ctl.in_terminal(keyring, *words, *keyring.where(), **variables)


def test_color_is_for_terminals(keyring):
    assert "\x1b[" in in_terminal(keyring, "check")
    assert "\x1b[" not in in_terminal(keyring, "check", NO_COLOR="1")
    assert "\x1b[" not in in_terminal(keyring, "check", TERM="dumb")
    assert "\x1b[" not in in_terminal(keyring, "check", "--color=never")
    assert "\x1b[" not in keyring.ctl("check").out
    assert "\x1b[" in keyring.ctl("check", "--color=always").out


def test_a_progress_bar_is_for_terminals_and_for_what_takes_long(keyring, kms):
    file = keyring.data / "keyring"
    percona_file.write(file, kms, kms.alias, [("", f"k{i}", "AES", b"x" * 16) for i in range(64)])
    kms.latency(400)
    try:
        assert "verifying keys [" in in_terminal(keyring, "verify")
        done = keyring.ctl("verify")
        assert done.code == 0 and done.err == ""
    finally:
        kms.latency(0)
    assert "verifying keys [" not in in_terminal(keyring, "verify")


def test_a_bar_shows_how_much_of_a_sealed_file_was_read(keyring, kms):
    keyring.write("fill 200")
    kms.latency(1100)  # The bar begins with the command, and not with the first key.
    try:
        shown = in_terminal(keyring, "verify")
        assert re.search(r"verifying keys \[[#.]+\] \d+/100", shown), shown
        done = keyring.ctl("verify")
        assert done.code == 0 and done.err == "" and "202 keys can be read" in done.out
    finally:
        kms.latency(0)
    assert "verifying keys [" not in in_terminal(keyring, "verify")


def test_names_cannot_draw_on_the_terminal(keyring, kms):
    file = keyring.data / "keyring"
    percona_file.write(file, kms, kms.alias, [("", "evil\x1b[2J\nname", "AES", b"x" * 16)])
    done = keyring.ctl("list", "--color=always")
    assert "\x1b[2J" not in done.out and r"evil\x1b[2J\x0aname" in done.out
    assert keyring.ctl("list", "--json").json()["keys"][0]["id"] == "evil\x1b[2J\nname"


def test_verbose_says_what_was_found(keyring):
    done = keyring.ctl("list", "--verbose")
    assert f"keyringctl: configuration {keyring.config} (--config)" in done.err
    assert done.out == keyring.ctl("list").out


# ---- Exit codes ----------------------------------------------------------------------------------


def test_every_exit_code_is_documented(directory):
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| ", DOCUMENT.read_text(), re.M)]
    assert codes == [0, 1, 2, 3, 4, 5, 6, 130]
    shown = ctl.run(directory, "help", "exit-codes").out
    assert [int(line.split()[0]) for line in shown.splitlines()] == codes


def test_exit_codes_of_reading(keyring, kms):
    assert keyring.ctl("list").code == 0
    assert keyring.ctl("show", "no-such").code == 1
    assert keyring.ctl("list", "--no-such").code == 2
    file = keyring.data / "keyring"
    content = file.read_bytes()
    file.write_bytes(content[:-70] + b"x" + content[-69:])
    assert keyring.ctl("verify").code == 3
    file.write_bytes(content)
    kms.stop()
    assert keyring.ctl("verify").code == 4


def test_ctrl_c_is_exit_code_130(keyring, kms):
    file = keyring.data / "keyring"
    percona_file.write(file, kms, kms.alias, [("", f"k{i}", "AES", b"x" * 16) for i in range(64)])
    kms.latency(300)
    try:
        started = subprocess.Popen(
            [str(ctl.PROGRAM), "verify", *keyring.where()], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=process.bare_environment(keyring.directory, keyring.environment))
        time.sleep(0.6)  # It is in the middle of its keys; at any other moment it is 130, too.
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=seconds(30))
    finally:
        kms.latency(0)
    assert started.returncode == 130 and out == "" and "interrupted" in err


def test_a_full_disk_under_stdout_is_a_failure(keyring):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(ctl.PROGRAM), "list", *keyring.where()], stdout=full, stderr=subprocess.PIPE,
            text=True, check=False,
            env=process.bare_environment(keyring.directory, keyring.environment))
    assert done.returncode == 1 and "stdout cannot be written" in done.stderr


# ---- Secrets -------------------------------------------------------------------------------------


def test_a_bundle_has_no_planted_secret(keyring, kms, directory):
    keys = kms.environment()
    planted = {"secret_access_key": "planted-secret-1" + keys["AWS_SECRET_ACCESS_KEY"],
               "session_token": "planted-secret-2", "auth_key": "planted-secret-3",
               "client_key_password": "planted-secret-4",
               "endpoint_url": f"http://user:planted-secret-5@127.0.0.1:{process.free_port()}",
               "encryption_context": {"team": "planted-secret-6"}, "external_id":
               "planted-secret-7", "unknwon_option": "planted-secret-8"}
    keyring.configure({**conftest.kms_options(kms, directory), **planted})
    done = keyring.ctl("bundle", "bundle.tar",
                       environment={"AWS_SESSION_TOKEN": "planted-secret-9"})
    assert done.code == 0, done
    archive = directory / "bundle.tar"
    assert archive.stat().st_mode & 0o777 == 0o600
    content = archive.read_bytes() + (done.out + done.err).encode()
    assert b"planted-secret" not in content
    assert keys["AWS_SECRET_ACCESS_KEY"].encode() not in content
    with tarfile.open(archive) as tar:
        names = [member.name for member in tar.getmembers()]
        text = tar.extractfile("keyringctl-bundle/configuration.txt").read().decode()
        checks = json.load(tar.extractfile("keyringctl-bundle/check.json"))
    assert names == [f"keyringctl-bundle/{name}" for name in (
        "versions.txt", "configuration.txt", "variables.txt", "manifest.txt", "check.json",
        "keyring.json")]
    assert '"kms_key": "alias/openkeyring"' in text and '"secret_access_key": "(left out)"' in text
    assert checks["checks"][0]["id"] == "config"
    assert keyring.ctl("bundle", "bundle.tar").code == 1, "never overwritten"


def test_a_bundle_has_no_secret_of_lists_and_of_variables(make_keyring, kms, directory):
    def bundle_of(keyring, name):
        done = keyring.ctl("bundle", name)
        assert done.code == 0, done
        content = (directory / name).read_bytes() + (done.out + done.err).encode()
        assert b"planted-secret" not in content
        return content.decode()

    url = f"127.0.0.1:{process.free_port()}"
    entries = [{"key": "alias/one", "role_arn": "arn:aws:iam::1:role/r", "region": "eu-west-1",
                "external_id": "planted-secret-1", "session_token": ["planted-secret-2"],
                "endpoint_url": f"http://user:planted-secret-3@{url}"},
               {"key": "alias/two", "region": "eu-west-3", "endpoint_url": f"http://{url}"}]
    keyring = make_keyring("component_keyring_kms")
    keyring.configure({"path": str(directory / "data" / "keyring"), "kms_key": entries,
                       "standby": [{"password": "planted-secret-4"}]})
    text = bundle_of(keyring, "component.tar")
    assert '"role_arn": "arn:aws:iam::1:role/r"' in text and '"key": "alias/two"' in text

    plugin = make_keyring("aws_key_management")
    with plugin.option_file.open("a") as file:
        file.write(f"aws_key_management_master_key_id='{json.dumps(entries)}'\n"
                   "aws_key_management_secret_access_key=planted-secret-5\n"
                   f"loose_aws_key_management_endpoint_url=http://a:planted-secret-6@{url}\n"
                   "innodb_encrypt_password=planted-secret-7\n")
    text = bundle_of(plugin, "plugin.tar")
    assert "aws_key_management_secret_access_key = (left out)" in text
    assert '"key":"alias/two"' in text and f"http://(left out)@{url}" in text


def test_a_bundle_has_no_user_and_password_of_a_url_whoever_names_it(good, kms, directory, server):
    def bundle_of(name, *words):
        done = ctl.run(directory, "bundle", name, *words, environment=good.environment)
        assert done.code == 0 and "planted-secret" not in done.out + done.err, done
        content = (directory / name).read_bytes()
        assert b"planted-secret" not in content
        return content.decode()

    url = "x://user:planted-secret-1@host"
    place = good.data / "x:" / url.removeprefix("x://")
    place.mkdir(parents=True)
    good.configure({**conftest.kms_options(kms, directory), "path": f"{url}/keyring"})
    good.write("store k - AES")
    text = bundle_of("good.tar", *good.where())
    assert text.count("x://(left out)@host/keyring") >= 3, "configuration, checks, and keyring"
    (place / "keyring").unlink()
    text = bundle_of("lost.tar", *good.where())
    assert "there is no keyring file" in text

    server()
    (directory / "bin/mysqld.my").write_text(json.dumps({
        "components": "file://user:planted-secret-2@component_keyring_kms",
        "password": "planted-secret-3"}))
    text = bundle_of("manifest.tar", "--datadir", good.data)
    assert '"password": "(left out)"' in text
    assert "file://(left out)@component_keyring_kms" in text
    (directory / "bin/mysqld.my").write_text(
        "component_keyring_kms file://user:planted-secret-4@x, password planted-secret-5")
    text = bundle_of("text.tar", "--datadir", good.data, "--product", good.product)
    assert "mysqld.my is not a JSON object" in text


def test_the_process_leaves_no_core(keyring, kms):
    kms.latency(2000)
    try:
        started = subprocess.Popen(
            [str(ctl.PROGRAM), "verify", *keyring.where()], stdout=subprocess.DEVNULL,
            env=process.bare_environment(keyring.directory, keyring.environment))
        limits = process.wait_until(
            lambda: re.search(r"Max core file size +(\d+) +(\d+)",
                              open(f"/proc/{started.pid}/limits").read()),
            "the limits")
        process.wait_until(lambda: "Max core file size        0                    0" in
                           open(f"/proc/{started.pid}/limits").read(), "no core dumps")
        assert limits
    finally:
        started.kill()
        started.wait()
        kms.latency(0)


# ---- The products' own options -------------------------------------------------------------------


@pytest.mark.parametrize("product,source", [
    ("aws", "src/server/mariadb/aws_key_management/aws_variables.cc"),
    ("kmip", "src/server/mariadb/kmip_key_management/kmip_variables.cc"),
    ("keyring_aws", "src/server/mysql/keyring_aws/keyring_aws_variables.cc")])
def test_every_variable_of_a_plugin_is_known(product, source):
    """A variable that only the plugin knew would be called unknown."""
    text = (ctl.ROOT / source).read_text()
    if product == "keyring_aws":
        names = re.findall(r'\| \w+(?: \| \w+)*, "([a-z_]+)",|Number\("([a-z_]+)"', text)
        names = {a or b for a, b in names}
    else:
        names = set(re.findall(r"MYSQL_SYSVAR\((\w+)\)", text))
    assert len(names) > 10
    ours = (ctl.ROOT / "src/cli/product_options.cc").read_text()
    missing = {name for name in names if f'"{name}"' not in ours}
    assert not missing
