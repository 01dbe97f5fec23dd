# SPDX-License-Identifier: MIT
"""Debian's mysqld_exporter and Prometheus, and Grafana's dashboard without Grafana."""

import contextlib
import functools
import http.server
import json
import pathlib
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from . import process
from .patience import seconds
from .service import ROOT, Service

EXAMPLES = ROOT / "packaging/examples/monitoring"
DASHBOARD = EXAMPLES / "dashboard.json"
RULES = EXAMPLES / "openkeyring.rules.yml"
PREFIX = "mysql_global_status_openkeyring_"
WINDOW = "8s"  # Of rates: what Grafana calls $__rate_interval.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str) -> str | None:
    """The page, or None while nobody answers."""
    try:
        with _opener.open(url, timeout=seconds(20)) as answer:
            return answer.read().decode()
    except OSError:
        return None


class Exporter(Service):
    """mysqld_exporter as docs/monitoring.md sets it up, for a database server of the lab."""

    name = "mysqld_exporter"

    def __init__(self, server):
        super().__init__(server.directory / "exporter")
        self.server = server
        self.port = process.free_port()
        self.log = self.directory / "log"

    def start(self) -> "Exporter":
        self.server.sql(
            "CREATE USER exporter@localhost IDENTIFIED BY 'a password' WITH MAX_USER_CONNECTIONS 3;"
            "GRANT PROCESS, REPLICATION CLIENT, SELECT ON *.* TO exporter@localhost"
        )
        options = self.directory / "my.cnf"
        options.write_text(
            f"[client]\nuser=exporter\npassword=a password\nsocket={self.server.socket}\n"
        )
        self.process = process.Process(
            [
                "/usr/bin/prometheus-mysqld-exporter",
                f"--config.my-cnf={options}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            self.log,
            process.bare_environment(self.directory),
        )
        self.wait_for(lambda: fetch(f"http://127.0.0.1:{self.port}/"), "to answer", 20)
        return self

    def metrics(self) -> str:
        return fetch(f"http://127.0.0.1:{self.port}/metrics") or ""


@contextlib.contextmanager
def textfile(file: pathlib.Path):
    """Serves a file as node_exporter does; the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(file.read_bytes())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Prometheus(Service):
    """Scrapes each second. `targets`: the port of each instance by its name, for each job."""

    name = "Prometheus"

    def __init__(self, directory: pathlib.Path, targets: dict[str, dict[str, int]]):
        super().__init__(directory)
        self.targets = targets
        self.port = process.free_port()

    def start(self) -> "Prometheus":
        config = self.directory / "prometheus.yml"
        config.write_text(
            json.dumps(
                {  # Which is YAML, too.
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(RULES)],
                    "scrape_configs": [
                        {
                            "job_name": job,
                            "static_configs": [
                                {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
                                for instance, port in instances.items()
                            ],
                        }
                        for job, instances in self.targets.items()
                    ],
                }
            )
        )
        self.process = process.Process(
            [
                "/usr/bin/prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={self.directory}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            self.log,
            process.bare_environment(self.directory),
            cwd=self.directory,
        )
        self.wait_for(lambda: fetch(f"http://127.0.0.1:{self.port}/-/ready"), "to be ready", 30)
        return self

    def ask(self, what: str, **parameters) -> list[dict]:
        """What the HTTP API answers; an expression that is wrong is an error."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?" + urllib.parse.urlencode(parameters)
        with _opener.open(url, timeout=seconds(20)) as answer:
            content = json.load(answer)
        assert content["status"] == "success" and not content.get("warnings"), content
        return content["data"]["result"]

    def query(self, expression: str) -> dict[str, float]:
        """Values by instance."""
        return {
            one["metric"].get("instance", ""): float(one["value"][1])
            for one in self.ask("query", query=expression)
        }

    def wait_value(self, metric: str, instance: str, value, seconds: float = 20) -> None:
        """Until the metric of OpenKeyring has it, or `value(number)` is true."""
        wanted = value if callable(value) else functools.partial(float.__eq__, float(value))
        process.wait_until(
            lambda: wanted(self.query(PREFIX + metric).get(instance, float("nan"))),
            f"{metric} of {instance}",
            seconds,
            every=0.2,
        )


def panels() -> list[dict]:
    return json.loads(DASHBOARD.read_text())["panels"]


def expression(target: dict) -> str:
    """As Grafana sends it."""
    return target["expr"].replace("$__rate_interval", WINDOW).replace("$instance", ".*")


def ask_panels(prometheus: Prometheus, began: float) -> dict[str, list[tuple[str, list]]]:
    """Of each panel its lines: legend and (time, value)..., since `began`."""
    found = {}
    for panel in panels():
        lines = []
        for target in panel["targets"]:
            for one in prometheus.ask(
                "query_range", query=expression(target), start=began, end=time.time(), step=1
            ):
                legend = target["legendFormat"].replace(
                    "{{instance}}", one["metric"].get("instance", "")
                )
                lines.append((legend, [(float(at), float(value)) for at, value in one["values"]]))
        found[panel["title"]] = lines
    return found


def run_check(file: pathlib.Path, keyringctl: pathlib.Path, options, environment) -> None:
    """Writes what the timer writes."""
    done = subprocess.run(
        [keyringctl, "check", "--format", "prometheus", *options],
        text=True,
        capture_output=True,
        check=False,
        env=environment,
        timeout=seconds(60),
    )
    file.write_text(f"{done.stdout}openkeyring_check_exit_code {done.returncode}\n")
