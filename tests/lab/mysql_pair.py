# SPDX-License-Identifier: MIT
"""Two MySQL servers: replication and CLONE. The one that gives needs tcp, for replication also a
binary log."""

from . import process
from .mariadb import SqlError
from .mysql import MySQL


def follow(replica: MySQL, source: MySQL) -> None:
    """`replica` gets all that `source` writes from here on; returns when both of its threads run.
    """
    source.sql("CREATE USER IF NOT EXISTS repl@'%'; GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
    log, position = source.sql("SHOW BINARY LOG STATUS")[0][:2]
    replica.sql(
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port},"
        f" SOURCE_USER='repl', SOURCE_SSL=1, SOURCE_LOG_FILE='{log}', SOURCE_LOG_POS={position};"
        "START REPLICA"
    )
    process.wait_until(lambda: state(replica)[:2] == ("ON", "ON"), "replication", every=0.05)


def state(replica: MySQL) -> tuple[str, str, str, str]:
    """Receiver and applier ("ON", "OFF", "CONNECTING"), and the last error of each."""
    tables = "performance_schema.replication"
    return replica.sql(
        f"SELECT c.SERVICE_STATE, a.SERVICE_STATE, c.LAST_ERROR_MESSAGE, (SELECT "
        f"MAX(LAST_ERROR_MESSAGE)"
        f" FROM {tables}_applier_status_by_worker) FROM {tables}_connection_status c"
        f" JOIN {tables}_applier_status a USING (CHANNEL_NAME)"
    )[0]


def wait_applied(replica: MySQL, source: MySQL, seconds: float = 30.0) -> None:
    """Until everything that `source` has logged is applied."""
    log, position = source.sql("SHOW BINARY LOG STATUS")[0][:2]
    waited = replica.value(f"SELECT SOURCE_POS_WAIT('{log}', {position}, {seconds})")
    assert waited not in ("NULL", "-1"), f"{waited}: {state(replica)}"


def stop_following(replica: MySQL) -> None:
    replica.sql("STOP REPLICA; RESET REPLICA ALL")


def clone(recipient: MySQL, donor: MySQL) -> None:
    """Replaces the data of `recipient` with that of `donor` and starts it again."""
    for server in (recipient, donor):
        if not server.sql("SELECT 1 FROM information_schema.plugins WHERE plugin_name='clone'"):
            server.sql("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
    donor.sql("CREATE USER IF NOT EXISTS cloner@'%'; GRANT BACKUP_ADMIN ON *.* TO cloner@'%'")
    recipient.sql(f"SET GLOBAL clone_valid_donor_list='127.0.0.1:{donor.port}'")
    # The server ends and expects somebody to start it again; there is nobody, hence 3707.
    code, text = recipient.run_error(
        f"CLONE INSTANCE FROM 'cloner'@'127.0.0.1':{donor.port} IDENTIFIED BY '' REQUIRE SSL", 120)
    if code != 3707:
        raise SqlError(text)
    recipient.process.wait()
    recipient.start()
