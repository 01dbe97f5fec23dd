# SPDX-License-Identifier: MIT
"""The metrics of real servers by Debian's mysqld_exporter in Debian's Prometheus: what is wrong is seen, by alerts and dashboard, too."""

import json
import os
import pathlib
import re
import time

import pytest
from lab import (
    aws_plugin,
    dashboard_picture,
    emulator,
    kmip_emulator,
    kmip_plugin,
    kms_component,
    kms_regions,
    mariadb,
    monitoring,
    process,
)
from lab.mariadb import SqlError

pytestmark = pytest.mark.sid

PICTURE = pathlib.Path(__file__).resolve().parents[2] / "docs/monitoring.svg"
DENIED = {"kind": "http_status", "status": 400, "code": "AccessDeniedException", "message": "not you"}
NAMES = re.findall(r'{\s*"(\w+)",\s*MetricType', (mariadb.ROOT / "src/product/metrics.h").read_text())


def status(server) -> dict[str, str]:
    """SHOW GLOBAL STATUS, by the names without their prefix."""
    rows = server.sql("SHOW GLOBAL STATUS LIKE 'openkeyring%'")
    shown = {row[0].lower().removeprefix("openkeyring_"): row[1] if len(row) > 1 else "" for row in rows}
    assert len(shown) == len(rows), "a name is shown twice"
    return shown


def temporary_credentials(directory, kms) -> dict[str, str]:
    """The environment of a server whose credentials end in an hour."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    answer = directory / "credentials.json"
    answer.write_text(json.dumps({
        "Version": 1, "AccessKeyId": kms.ready["access_key_id"], "SecretAccessKey": kms.ready["secret_access_key"],
        "Expiration": end}))
    config = directory / "aws-config"
    config.write_text(f"[default]\ncredential_process = cat {answer}\n")
    return {"AWS_CONFIG_FILE": str(config)}


class World:
    """MySQL with two regions, MariaDB with KMS and MariaDB with KMIP, watched by Prometheus."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.regions = kms_regions.start(directory)
        self.kms = emulator.Emulator(directory / "kms").start()
        self.kmip = kmip_emulator.KmipEmulator(directory / "kmip").start()
        secret = directory / "unlock"
        secret.write_bytes(os.urandom(32))
        secret.chmod(0o400)
        self.mysql = kms_component.MySQLWithKms(
            directory / "my", self.regions[0], environment={"AWS_MAX_ATTEMPTS": "1"},
            more={**kms_regions.keys(*self.regions), "local_unlock_file": str(secret), "startup_deadline_ms": 1000})
        self.aws = mariadb.MariaDB(
            directory / "ma", plugins=[aws_plugin.PLUGIN], options=aws_plugin.options(self.kms),
            environment=temporary_credentials(directory, self.kms))
        self.kmip_server = mariadb.MariaDB(
            directory / "mk", plugins=[kmip_plugin.PLUGIN], options=kmip_plugin.options(self.kmip, request_timeout=500))
        self.servers = {"mysql": self.mysql, "mariadb-aws": self.aws, "mariadb-kmip": self.kmip_server}
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_ready()
        self.exporters = {name: monitoring.Exporter(server).start() for name, server in self.servers.items()}

    def watch(self, check_port: int) -> None:
        self.prometheus = monitoring.Prometheus(self.directory / "prometheus", {
            "mysql": {name: exporter.port for name, exporter in self.exporters.items()},
            "node": {"mysql": check_port}}).start()
        self.began = time.time()
        for name in self.servers:
            self.prometheus.wait_value("loaded", name, 1)


@pytest.fixture
def world():
    directory = process.new_directory("monitor")
    with process.ending_what_starts():
        made = World(directory)
        checked = directory / "openkeyring.prom"
        monitoring.run_check(
            checked, kms_component.LIBRARY.with_name("keyringctl"),
            ["--product", kms_component.NAME, "--config", made.mysql.plugin_directory / f"{kms_component.NAME}.cnf",
             "--datadir", made.mysql.data, "--plugin-dir", made.mysql.plugin_directory],
            process.bare_environment(directory, made.mysql.environment))
        with monitoring.textfile(checked) as port:
            made.watch(port)
            yield made
    process.remove_directory(directory)


def has_every_metric_and_the_exporter_those_that_are_known(server, exporter) -> dict[str, str]:
    shown = status(server)
    assert list(shown) == NAMES
    seen = set(re.findall(rf"^{monitoring.PREFIX}(\w+) ", exporter.metrics(), re.M))
    assert seen == {metric for metric, value in shown.items() if value}
    return shown


def every_server_has_every_metric(world):
    for name, server in world.servers.items():
        shown = has_every_metric_and_the_exporter_those_that_are_known(server, world.exporters[name])
        assert (shown["loaded"], shown["key_server_reachable"], shown["failures"]) == ("1", "1", "0"), name
        assert int(shown["requests"]) >= 1 and int(shown["request_milliseconds_sum"]) >= 0
    assert status(world.mysql)["slots"] == "3" and status(world.aws)["slots"] == "", "key files have no slots"
    assert int(status(world.kmip_server)["client_certificate_expires_seconds"]) > 3600
    assert 3000 < int(status(world.aws)["credentials_expire_seconds"]) <= 3600


def test_keyring_aws_has_them_too(make_aws_mysql):
    server = make_aws_mysql().start()
    with monitoring.Exporter(server).start() as exporter:
        shown = has_every_metric_and_the_exporter_those_that_are_known(server, exporter)
    assert (shown["loaded"], shown["key_server_reachable"], shown["load_failed"]) == ("1", "1", "")
    server.sql("UNINSTALL PLUGIN keyring_aws")
    assert status(server) == {}


def test_component_keyring_kmip_has_them_too(make_kmip_mysql, kmip_servers):
    server = make_kmip_mysql(kmip_servers["emulator"]).start()
    server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENCRYPTION='Y'")
    with monitoring.Exporter(server).start() as exporter:
        shown = has_every_metric_and_the_exporter_those_that_are_known(server, exporter)
    assert (shown["loaded"], shown["key_server_reachable"], shown["load_failed"]) == ("1", "1", "0")
    assert shown["keys"] == "1" and shown["kms_key_state"] == "" and shown["slots"] == ""
    assert int(shown["client_certificate_expires_seconds"]) > 3600


@pytest.mark.long
def test_keyring_aws_leaves_them_to_a_component(make_aws_mysql):
    server = make_aws_mysql(plugins=[kms_component.LIBRARY])
    server.write_manifest(kms_component.NAME)  # It has no configuration, so it says that it is not loaded.
    server.start()
    shown = status(server)
    assert list(shown) == NAMES
    assert (shown["loaded"], shown["load_failed"]) == ("0", "1"), "those of the component"
    server.sql("UNINSTALL PLUGIN keyring_aws")
    assert list(status(server)) == NAMES


def test_mariadb_shows_those_of_one_plugin_when_two_are_loaded(directory, kms, kmip_servers, kmip_user):
    kmip = kmip_servers["emulator"]
    server = mariadb.MariaDB(
        directory / "both", plugins=[aws_plugin.PLUGIN, kmip_plugin.PLUGIN],
        options=[*aws_plugin.options(kms), *kmip_plugin.options(kmip, kmip_user)], environment=kms.environment())
    with server.start():
        assert list(status(server)) == NAMES
        active = "SELECT PLUGIN_NAME FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE '%key_management'"
        assert len(server.sql(active)) == 1


def throttling_is_counted(world):
    world.kms.fault("throttle", count=2)
    aws_plugin.make_table(world.aws, "t", 5)
    assert int(status(world.aws)["throttled"]) == 2
    assert int(status(world.aws)["retries"]) == 2
    world.prometheus.wait_value("throttled", "mariadb-aws", 2)
    assert status(world.aws)["errors"] == "0"


def a_key_server_that_is_away_is_seen_at_the_next_call(world):
    world.kmip.stop_server(0)
    with pytest.raises(SqlError):
        world.kmip_server.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID=7")
    world.prometheus.wait_value("key_server_reachable", "mariadb-kmip", 0)
    world.prometheus.wait_value("failures", "mariadb-kmip", lambda count: count >= 1)
    assert status(world.kmip_server)["loaded"] == "1", "what is loaded stays"


def a_slot_that_is_lost_is_seen_after_a_reload(world):
    assert status(world.mysql)["slots_failed"] == "0"
    world.regions[0].fault(operation="*", count=-1, **DENIED)
    world.mysql.reload()
    world.prometheus.wait_value("slots_failed", "mysql", 1)
    world.prometheus.wait_value("kms_key_state", "mysql", 2)
    assert status(world.mysql)["loaded"] == "1"


def a_start_by_the_local_file_is_an_alert(world):
    for region in world.regions:
        region.kill()
    world.mysql.restart()
    world.prometheus.wait_value("opened_by_local_slot", "mysql", 1)
    world.prometheus.wait_value("slots_failed", "mysql", 2)
    alert = 'ALERTS{alertname="OpenKeyringOpenedByLocalSlot",alertstate="firing"}'
    process.wait_until(lambda: world.prometheus.query(alert).get("mysql"), "the alert", 20, every=0.2)
    pending = world.prometheus.query('ALERTS{alertname=~"OpenKeyringSlotLost|OpenKeyringKeyServerUnreachable"}')
    assert set(pending) >= {"mysql"}, "its time has not come yet"


def a_failed_load_is_seen_and_the_server_runs_on(world):
    world.mysql.configure(kms_key=None)
    world.mysql.restart()
    shown = status(world.mysql)
    assert (shown["loaded"], shown["load_failed"], shown["keys"]) == ("0", "1", "")
    world.prometheus.wait_value("loaded", "mysql", 0)


def every_expression_of_the_dashboard_has_data(world):
    """Of all that happened before."""
    answers = monitoring.ask_panels(world.prometheus, world.began)
    empty = [title for title, lines in answers.items() if not lines]
    assert empty == []
    for panel in monitoring.panels():
        for target in panel["targets"]:
            found = world.prometheus.ask("query_range", query=monitoring.expression(target), start=world.began,
                                         end=time.time(), step=1)
            assert found, target["expr"]
    if os.environ.get("OPENKEYRING_PICTURES"):
        PICTURE.write_text(dashboard_picture.draw(answers))
    assert dashboard_picture.draw(answers).count("<polyline") >= 12


def test_what_is_wrong_is_seen_in_metrics_alerts_and_the_dashboard(world):
    """One test, because each step finds what the one before has left."""
    every_server_has_every_metric(world)
    throttling_is_counted(world)
    a_key_server_that_is_away_is_seen_at_the_next_call(world)
    a_slot_that_is_lost_is_seen_after_a_reload(world)
    a_start_by_the_local_file_is_an_alert(world)
    a_failed_load_is_seen_and_the_server_runs_on(world)
    every_expression_of_the_dashboard_has_data(world)
