# SPDX-License-Identifier: MIT
"""keyring_aws in real MySQL 9.7: what a server does with its keyring, and the plugin's own functions."""

import concurrent.futures
import hashlib
import statistics
import time

import pytest
from lab import aws_keyring_plugin, mysql_pair
from lab.aws_keyring_plugin import FUNCTIONS, INSTALL, UNINSTALL
from lab.mysql import SqlError

from mysql_workload import EVERYTHING, check, fill, rotate_under_load

pytestmark = pytest.mark.sid

ROTATE = "SELECT keyring_aws_rotate_keys()"


def fails(server, statement: str, code: int, *words: str) -> None:
    found, text = server.run_error(statement)
    assert found == code, text
    for word in words:
        assert word in text


def test_everything_that_a_server_encrypts(make_aws_mysql):
    server = make_aws_mysql(options=EVERYTHING, binlog=True)
    server.start()
    fill(server)
    check(server)
    server.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE ROTATE BINLOG MASTER KEY;" + FUNCTIONS + ROTATE)
    keys = server.keyring_keys()
    assert any(key.startswith("INNODBKey-") for key, _ in keys)
    assert any(key.startswith("MySQLReplicationKey_") for key, _ in keys)
    content = server.keyring.read_bytes()
    assert content[:8] == b"\x89OKRA\r\n\x1a"
    assert hashlib.sha256(content[:-32]).digest() == content[-32:]
    assert server.keyring.stat().st_mode & 0o777 == 0o640
    for stop in (server.stop, server.kill):
        stop()
        server.start()
        check(server)
        assert server.keyring_keys() == keys


def test_master_keys_rotate_under_load_and_kill_9(make_aws_mysql):
    server = make_aws_mysql(options=EVERYTHING, binlog=True)
    server.start()
    fill(server)
    rotate_under_load(server)


def test_functions_of_keyring_udf(make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql("CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT EXECUTE ON *.* TO app@localhost")
    with server.session() as root, server.session("--user=app", "--password=x") as app:
        for kind, size in (("AES", 16), ("AES", 24), ("AES", 32), ("SECRET", 1), ("SECRET", 1024)):
            name = f"{kind}{size}"
            assert root.value(f"SELECT keyring_key_generate('{name}','{kind}',{size})") == "1"
            assert root.value(f"SELECT LENGTH(keyring_key_fetch('{name}'))") == str(size)
            assert root.value(f"SELECT keyring_key_length_fetch('{name}')") == str(size)
            assert root.value(f"SELECT keyring_key_type_fetch('{name}')") == kind
        assert root.value("SELECT keyring_key_store('k','SECRET',REPEAT('r',4096))") == "1"
        assert app.value("SELECT keyring_key_store('k','SECRET','app''s text')") == "1"
        assert root.value("SELECT LENGTH(keyring_key_fetch('k'))") == "4096"
        assert app.value("SELECT keyring_key_fetch('k')") == "app's text"
        for refused in ("generate('k','AES',32)", "generate('r','RSA',128)", "generate('d','DSA',128)", "remove('nothing')",
                        "generate('a','AES',17)", "generate('big','SECRET',1025)", "store('b','SECRET',REPEAT('x',4097))"):
            try:
                assert root.value(f"SELECT keyring_key_{refused}") in ("NULL", "0"), refused
            except SqlError:
                pass  # An error is a refusal, too.
        assert root.value("SELECT keyring_key_remove('k')") == "1"
        assert root.value("SELECT keyring_key_fetch('k')") == "NULL"
        assert app.value("SELECT keyring_key_fetch('k')") == "app's text"
    keys = server.keyring_keys()
    assert len(keys) == 6
    server.restart()
    assert server.keyring_keys() == keys


def test_rotate_functions(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql(FUNCTIONS)
    server.sql("SELECT keyring_key_store('a','SECRET','text'), keyring_key_generate('b','AES',32)")
    before, kms_calls = server.keyring.read_bytes(), kms.calls("ReEncrypt")
    assert server.value(ROTATE) == "1"
    assert kms.calls("ReEncrypt") == kms_calls + 2
    assert server.keyring.read_bytes() != before
    assert server.value("SELECT keyring_key_fetch('a')") == "text"
    rotations = kms.calls("RotateKeyOnDemand")
    assert server.value("SELECT keyring_aws_rotate_cmk()") == "1"
    assert kms.calls("RotateKeyOnDemand") == rotations + 1
    assert "was rotated" in server.last_log()
    assert server.value("SELECT keyring_key_fetch('a')") == "text"
    kms.fault("http_status", "RotateKeyOnDemand", status=400, code="UnsupportedOperationException")
    assert server.value("SELECT keyring_aws_rotate_cmk()") == "1"
    assert "yearly rotation was enabled" in server.last_log()
    for name in ("cmk", "keys"):
        fails(server, f"SELECT keyring_aws_rotate_{name}(1)", 1123, "no arguments")


def test_rotate_functions_need_a_privilege(make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.sql(FUNCTIONS + """CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT EXECUTE ON *.* TO app@localhost;
        CREATE USER keeper@localhost IDENTIFIED BY 'x'; GRANT ENCRYPTION_KEY_ADMIN ON *.* TO keeper@localhost;
        CREATE USER super@localhost IDENTIFIED BY 'x'; GRANT SUPER ON *.* TO super@localhost""")
    with server.session("--user=app", "--password=x") as app:
        for name in ("cmk", "keys"):
            with pytest.raises(SqlError, match="SUPER"):
                app.sql(f"SELECT keyring_aws_rotate_{name}()")
    for user in ("keeper", "super"):
        with server.session(f"--user={user}", "--password=x") as session:
            assert session.value(ROTATE) == "1"


def test_a_failing_key_leaves_the_old_file_whole(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql(FUNCTIONS)
    for number in range(20):
        server.sql(f"SELECT keyring_key_store('k{number}','SECRET','text {number}')")
    before = server.keyring.read_bytes()
    kms.fault("http_status", "ReEncrypt", status=400, code="AccessDeniedException")
    fails(server, ROTATE, 3198, "keyring_aws_rotate_keys", "AccessDeniedException")
    assert server.keyring.read_bytes() == before
    assert server.value("SELECT keyring_key_fetch('k7')") == "text 7"
    assert server.value(ROTATE) == "1"


def test_variables(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    assert server.variable("keyring_aws_cmk_id") == kms.alias
    assert server.variable("keyring_aws_region") == kms.region
    assert server.variable("keyring_aws_cache_keys") == "0"
    assert server.variable("keyring_aws_data_file") == str(server.keyring)
    fails(server, "SET GLOBAL keyring_aws_cmk_id='alias/nope'", 3198, "NotFoundException")
    fails(server, "SET GLOBAL keyring_aws_region='no region'", 3198, "not the name of a region")
    for value in ("DEFAULT", "NULL"):
        for name in ("cmk_id", "region"):
            server.run_error(f"SET GLOBAL keyring_aws_{name}={value}")
    fails(server, "SET GLOBAL keyring_aws_data_file='x'", 1238)
    assert (server.variable("keyring_aws_cmk_id"), server.variable("keyring_aws_region")) == (kms.alias, kms.region)
    server.sql(f"SET GLOBAL keyring_aws_region='{kms.region}'")
    server.sql("SET GLOBAL keyring_aws_cmk_id=CONCAT('alias/','openkeyring')")
    assert server.variable("keyring_aws_cmk_id") == "alias/openkeyring"


def test_credentials_change_by_reinstalling_the_plugin(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql(FUNCTIONS)
    assert server.value("SELECT keyring_key_store('a','SECRET','text')") == "1"
    aws_keyring_plugin.write_conf(server.conf, kms, "AKIAWRONGWRONGWRONG0\nwrong\n")
    server.sql(UNINSTALL)
    code, _ = server.run_error(INSTALL)
    assert code == 1123 and "does not know this access key" in server.last_log()
    aws_keyring_plugin.write_conf(server.conf, kms)
    for _ in range(3):
        server.sql(INSTALL)
        assert server.value("SELECT keyring_key_fetch('a')") == "text"
        assert server.value(ROTATE) == "1"
        server.sql(UNINSTALL)
    fails(server, ROTATE, 1123, "not installed")


def test_many_installations_leave_nothing_behind(make_aws_mysql):
    """The server has some 10 MB of free memory that a leak takes first, and its own threads touch a
    MB now and then: so the second half counts, and its median. A leak of 20 kB a round
    is more than 1,400 kB of 70."""
    server = make_aws_mysql(early=False)
    server.start()

    def resident() -> int:
        with open(f"/proc/{server.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

    def grown(session) -> int:
        """kB, by 70 rounds."""
        before = resident()
        for _ in range(70):
            session.sql(f"{INSTALL};{UNINSTALL}")
        return resident() - before

    with server.session() as session:
        growths = [grown(session) for _ in range(20)]
    assert statistics.median(growths[10:]) < 100, f"grown by {growths} kB"


def test_fetches_run_at_once(kms, make_aws_mysql):
    server = make_aws_mysql()
    server.start()
    server.install_udf()
    server.sql("SELECT keyring_key_store('a','SECRET','text')")
    kms.latency(200)

    def fetch(session) -> str:
        return session.value("SELECT keyring_key_fetch('a')")

    sessions = [server.session() for _ in range(8)]
    try:
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(fetch, sessions)) == {"text"}
        # One asks KMS for type and key: two calls or more of 200 ms, one after the other.
        assert time.monotonic() - started < 8 * 0.2 * 2
    finally:
        for session in sessions:
            session.close()


def test_a_cache_needs_no_kms(kms, make_aws_mysql):
    server = make_aws_mysql(more={"cache_keys": "ON"})
    server.start()
    server.install_udf()
    server.sql("SELECT keyring_key_store('a','SECRET','text')")
    calls = kms.calls("Decrypt")
    assert server.value("SELECT keyring_key_fetch('a')") == "text"
    assert kms.calls("Decrypt") == calls


def test_migration_to_the_file_component_and_back(make_aws_mysql):
    server = make_aws_mysql(options=EVERYTHING[:1])
    server.start()
    fill(server)
    server.install_udf()
    assert server.value("SELECT keyring_key_store('a','SECRET','text')") == "1"
    keys = server.keyring_keys()
    server.stop()
    server.use_keyring_file()
    (server.program_directory / "mysqld.my").unlink()
    server.migrate("keyring_aws.so", "component_keyring_file.so", "to")
    early, values = server.early, server.values
    server.use_keyring_file()
    server.early = server.values = []
    server.start()
    check(server)
    assert sorted(server.keyring_keys()) == sorted(keys)
    server.stop()

    (server.program_directory / "mysqld.my").unlink()
    server.keyring.unlink()
    server.values = values
    server.migrate("component_keyring_file.so", "keyring_aws.so", "from")
    server.early = early
    server.start()
    check(server)
    assert sorted(server.keyring_keys()) == sorted(keys)
    assert server.value("SELECT keyring_key_fetch('a')") == "text"


@pytest.mark.parametrize("registered", [False, True], ids=["options", "INSTALL PLUGIN"])
def test_its_options_are_removed_as_encrypt_everything_says(make_aws_mysql, registered):
    """And first, where INSTALL PLUGIN has registered it, the plugin: while it is not FORCE_PLUS_PERMANENT."""
    server = make_aws_mysql()
    early, permanent = server.early, ["--keyring-aws=FORCE_PLUS_PERMANENT"]
    if registered:
        server.early = []
        server.start()
        server.sql(INSTALL)
        server.stop()
    server.early = [*early, *permanent]
    server.start()
    assert server.run_error(UNINSTALL)[0] == 1702, "is force_plus_permanent and can not be unloaded"
    if registered:
        server.stop()
        server.early = early
        server.start()
        server.sql(UNINSTALL)
    server.stop()
    server.early = server.values = []
    server.start()
    assert server.sql("SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'keyring_aws'") == []
    assert "keyring_aws" not in server.last_log()


def test_replication_between_servers_with_keyrings_of_their_own(make_aws_mysql):
    source, replica = (make_aws_mysql(name=name, options=EVERYTHING, binlog=True, tcp=True) for name in ("a", "b"))
    source.start()
    replica.start()
    mysql_pair.follow(replica, source)
    fill(source)
    source.sql("ALTER INSTANCE ROTATE INNODB MASTER KEY; ALTER INSTANCE ROTATE BINLOG MASTER KEY")
    mysql_pair.wait_applied(replica, source)
    check(replica)
    replica.restart()
    check(replica)
