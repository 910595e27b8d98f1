"""A real Prometheus that scrapes the running product and knows its alarms, in a hurry."""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import urllib3

from tests.scenarios.rider import eventually
from wildrydes.devstack import Stack
from wildrydes.devstack.ports import free_ports
from wildrydes.devstack.scraping import ALERTS

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")


class Prometheus:
    """Started from the configuration that `make up` writes, with every wait cut to a second."""

    def __init__(self, stack: Stack, place: Path) -> None:
        rules = place / "alerts.yml"
        rules.write_text(re.sub(r"\bfor: \w+", "for: 1s", ALERTS.read_text()))
        config = json.loads(stack.layout.prometheus.read_text())
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"}
        config["rule_files"] = [str(rules)]
        (place / "prometheus.yml").write_text(json.dumps(config))
        self.jobs = {job["job_name"] for job in config["scrape_configs"]}
        [port] = free_ports(1)
        self._http = urllib3.PoolManager(retries=False, timeout=5)
        self._base = f"http://127.0.0.1:{port}"
        self._log = (place / "log").open("w")
        self._child = subprocess.Popen(
            [
                str(PROMETHEUS),
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def stop(self) -> None:
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()
        self._log.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self._http.request("GET", f"{self._base}/api/v1/query", fields={"query": expression})
        return list(answer.json()["data"]["result"])

    def firing(self) -> set[tuple[str, str]]:
        """Name and tier of the alarms that are on."""
        alerts = self._http.request("GET", f"{self._base}/api/v1/alerts").json()["data"]["alerts"]
        return {
            (alert["labels"]["alertname"], alert["labels"].get("tier", ""))
            for alert in alerts
            if alert["state"] == "firing"
        }

    def wait_until_all_is_scraped(self) -> None:
        def scraped() -> bool:
            try:
                up = {row["metric"]["job"] for row in self.query("up == 1")}
                return up == self.jobs and bool(self.query("wildrydes_workers"))
            except (urllib3.exceptions.HTTPError, ValueError):  # it is starting
                return False

        eventually(scraped, within=30, what=f"Prometheus scrapes {self.jobs}")

    def wait_for(self, *names: str, tier: str | None = None, within: float = 20.0) -> None:
        """Until all of these alarms are on, for the tier if one is named."""

        def on() -> bool:
            firing = self.firing()
            return all(any(name == n and tier in (None, t) for n, t in firing) for name in names)

        eventually(on, within=within, what=f"{names}; firing: {sorted(self._wanted(self.firing()))}")

    @staticmethod
    def _wanted(firing: Iterable[tuple[str, str]]) -> list[str]:
        return [f"{name}[{tier}]" for name, tier in firing]

    def wait_for_silence(self, *but: str, within: float = 20.0) -> None:
        eventually(
            lambda: {name for name, _ in self.firing()} <= set(but), within=within, what=f"silence: {self.firing()}"
        )
