# SPDX-License-Identifier: MIT
"""check with a login, where a client of the test answers in place of a server's. Real servers:
tests/e2e/test_check_running_server.py."""

import pytest
from check_reports import results


class Client:
    """A program that prints one answer after the other, the last one again and again."""

    def __init__(self, directory, keyring):
        self.path, self.answers = directory / "client", directory / "answers"
        self.answers.mkdir()
        self.keyring = keyring
        self.count = 0
        self.path.write_text(f"""#!/bin/sh
cd '{self.answers}'
echo "$*" >> asked
cat $(ls answer.* | head -1)
[ $(ls answer.* | wc -l) -gt 1 ] && rm $(ls answer.* | head -1)
exit 0
""")
        self.path.chmod(0o755)

    def answer(self, *keys: str, more: str = "", end: str = "end\n") -> None:
        """The next answer: these keys of the server itself."""
        def shown(text):
            return str(text).encode().hex().upper()
        self.count += 1
        rows = [f"server\t{shown(self.keyring.data)}\t{shown('9.7')}\t{shown('root@localhost')}\t1",
                f"status\t{shown('Component_name')}\t{shown('component_keyring_kms')}",
                f"status\t{shown('Component_status')}\t{shown('Active')}",
                *(f"key\t{shown(key)}\t" for key in keys)]
        (self.answers / f"answer.{self.count}").write_text("\n".join(rows) + f"\n{more}{end}")

    def check(self, code: int = 0) -> dict:
        done = self.keyring.ctl("check", "--json", "--login-socket", "root", "--client",
                                self.path)
        assert done.code == code, done
        self.reply = done.json()
        return results(done)


@pytest.fixture
def client(make_keyring, directory):
    keyring = make_keyring("component_keyring_kms")
    keyring.write("store one - AES", "store two - AES")
    return Client(directory, keyring)


def test_a_key_that_is_made_or_removed_meanwhile_is_not_reported(client):
    client.answer("one", "two", "three")
    client.answer("one", "two")
    found = client.check()
    assert found["server-keys"]["state"] == "ok", found
    assert client.reply["running_server"]["not_stored"] == []


def test_a_key_that_is_missing_twice_is(client):
    client.answer("one", "two", "three")
    found = client.check(code=3)
    assert client.reply["running_server"] == {
        "served": 3, "stored": 2, "not_stored": ['key "three"'], "not_served": [],
        "different": [], "digests_compared": 0}
    assert found["start"]["state"] == "failed"


@pytest.mark.parametrize("end, said", [
    ("", "not complete"),
    ("key\tXYZ\t\nend\n", "cannot be read"),
    ("key\nend\n", "not complete"),
])
def test_half_an_answer_is_none(client, end, said):
    client.answer("one", "two", end=end)
    found = client.check(code=3)
    assert said in found["server"]["findings"][0]["text"], found
    assert found["server-keys"]["state"] == "skipped"


def test_lines_of_the_client_itself_are_no_rows(client):
    client.answer("one", "two", more="WARNING: something the client says\nkeys\t00\t00\n")
    assert client.check()["server-keys"]["state"] == "ok"


def test_the_keyring_was_opened_by_the_local_file(client):
    name, value = (text.encode().hex() for text in ("Opened_by_local_slot", "1"))
    client.answer("one", "two", more=f"status\t{name}\t{value}\n")
    found = client.check()
    assert found["server"]["state"] == "warning"
    assert "local_unlock_file" in found["server"]["findings"][0]["text"]


def test_the_running_server_uses_another_file(client):
    name, value = (text.encode().hex() for text in ("Data_file", "/elsewhere/keyring"))
    client.answer("one", "two", more=f"status\t{name}\t{value}\n")
    text = client.check()["server"]["findings"][0]["text"]
    assert text.startswith("the running server uses /elsewhere/keyring, and a start would use ")


def test_a_component_that_is_not_active(client):
    name, value = (text.encode().hex() for text in ("Component_status", "Disabled"))
    client.answer("one", "two", more=f"status\t{name}\t{value}\n")
    assert client.check(code=3)["server"]["state"] == "failed"


@pytest.mark.long
def test_a_client_that_hangs_is_ended(client):
    client.path.write_text("#!/bin/sh\nexec sleep 600\n")
    found = client.check(code=3)
    assert "cannot be asked" in found["server"]["findings"][0]["text"]


def rows(tag: str, *values) -> str:
    """Rows of one field, or of two."""
    lines = [value if isinstance(value, tuple) else (value,) for value in values]
    return "".join("\t".join([tag, *(field.encode().hex() for field in line)]) + "\n"
                   for line in lines)


SEES = rows("sees", "SELECT")


def test_what_is_in_clear_is_named(client):
    settings = rows("setting", ("innodb_redo_log_encrypt", "OFF"), ("log_bin", "OFF"),
                    ("binlog_encryption", "OFF"), ("default_table_encryption", "ON"),
                    ("persist_sensitive_variables_in_plaintext", "ON"))
    client.answer("one", "two", more=SEES + settings + rows("engine", "d.t (MyISAM)")
                  + rows("clear", *(f"d/t{number}" for number in range(12)))
                  + rows("database", "d", "e"))
    found = client.check()["in-clear"]
    assert found["state"] == "warning"
    assert [one["text"] for one in found["findings"]] == [
        "12 tablespaces in clear: " + ", ".join(f"d/t{number}" for number in range(10))
        + " and 2 more",
        "1 table in clear, since the engine cannot encrypt: d.t (MyISAM)",
        "2 databases with DEFAULT ENCRYPTION='N', where new tables are in clear: d, e",
        "new data stays in clear by the settings: innodb_redo_log_encrypt=OFF, "
        "persist_sensitive_variables_in_plaintext=ON"]


def test_without_settings_nobody_knows_what_is_in_clear(client):
    client.answer("one", "two")
    found = client.check()["in-clear"]
    assert found["state"] == "skipped" and "settings" in found["findings"][0]["text"]


SAFE = SEES + rows("setting", ("innodb_redo_log_encrypt", "ON"), ("log_bin", "ON"))


@pytest.mark.parametrize("logs, state, said", [
    ("b.1\t12\tYes\nb.2\t14\tYes\n", "ok", "every tablespace but"),
    ("b.1\t12\tNo\nb.2\t14\tYes\nb.3\t1\tNo\n", "warning", "2 binary logs in clear: b.1, b.3"),
    ("b.1\t12\n", "skipped", "binary logs were not judged: SHOW BINARY LOGS does not tell"),
    ("b.1\t12\tYes\nb.2\t12\n", "skipped", "binary logs were not judged"),
    ("b.1\t12\tPerhaps\n", "skipped", "binary logs were not judged"),
    ("", "skipped", "binary logs were not judged"),
])
def test_binary_logs_are_named_or_not_judged(client, logs, state, said):
    for _ in range(2):
        client.answer("one", "two", more=SAFE)
    (client.answers / "answer.3").write_text("WARNING: of the client\n" + logs)
    found = client.check()["in-clear"]
    assert found["state"] == state, found
    assert found["findings"][0]["text"].startswith(said), found


def test_a_login_that_does_not_see_all_tables_is_not_ok(client):
    client.answer("one", "two", more=SAFE.removeprefix(SEES) + rows("setting", ("log_bin", "OFF")))
    found = client.check()["in-clear"]
    assert found["state"] == "skipped" and len(found["findings"]) == 1, found
    assert "needs SELECT or REFERENCES on *.*" in found["findings"][0]["text"]
