"""A configuration for Prometheus that scrapes every process of the stack and knows the product's alarms."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.ports import LOOPBACK
from wildrydes.devstack.processes import ProcessSpec

ALERTS = REPOSITORY / "ops" / "alerts.yml"


def configuration(specs: Sequence[ProcessSpec], *, alerts: Path = ALERTS, interval: str = "5s") -> dict[str, Any]:
    """One job per process, called as the process is: the alarms go by these names."""
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(alerts)],
        "scrape_configs": [
            {"job_name": spec.name, "static_configs": [{"targets": [f"{LOOPBACK}:{spec.metrics_port}"]}]}
            for spec in specs
            if spec.metrics_port is not None
        ],
    }


def write_configuration(path: Path, specs: Sequence[ProcessSpec]) -> None:
    """Write it, as JSON, which is YAML too."""
    path.write_text(json.dumps(configuration(specs), indent=1) + "\n")
