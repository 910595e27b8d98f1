"""`make bench-fairqueue`: fairqueue beside kombu's own Redis transport, with real workers and a real Valkey for each.

Throughput in interleaved pairs, the cost of a claim with many groups, and how long messages wait beside a tenant that sends too
many. Writes bench/results/fairqueue.json and fairqueue.svg. BENCH_PAIRS (8), BENCH_MESSAGES (2,000), BENCH_SECONDS (20),
BENCH_REPEATS (3), BENCH_COST_ROUNDS (60) and BENCH_ONLY=throughput,cost,waiting make it shorter.
"""

import json
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import _fq_cost, _fq_draw, _fq_throughput, _fq_waiting
from bench._fq_sides import sides
from bench._servers import RESULTS, end_in_order, say

PARTS = os.environ.get("BENCH_ONLY", "throughput,cost,waiting").split(",")


def main() -> None:
    """Measure, write, draw."""
    end_in_order()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="wr-bench-fairqueue-"))
    found: dict[str, Any] = {}
    try:
        if "cost" in PARTS:
            found["cost"] = _fq_cost.measure(folder)
        with sides(folder) as both:
            if "throughput" in PARTS:
                found["throughput"] = _fq_throughput.measure(both)
            if "waiting" in PARTS:
                found["waiting"] = _fq_waiting.measure(both)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results = headline(found) | found
    results["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    results["seconds"] = round(time.monotonic() - began)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "fairqueue.json").write_text(json.dumps(results, indent=1) + "\n")
    if "waiting" in found:
        _fq_draw.draw(results, RESULTS / "fairqueue.svg")
    for name, value in headline(found).items():
        say(f"{name} {value}")


def headline(found: dict[str, Any]) -> dict[str, Any]:
    """The figures by which it is judged: of throughput, the worse pool's."""
    told: dict[str, Any] = {}
    if "throughput" in found:
        worse = min(found["throughput"].values(), key=lambda pool: pool["interval"][0])
        told |= {"throughput_ratio": worse["ratio"], "throughput_ratio_low": worse["interval"][0]}
    if "cost" in found:
        told["claim_cost_ratio_100k_10"] = found["cost"]["ratio_100k_10"]
    if "waiting" in found:
        told["quiet_p99_ratio"] = found["waiting"]["quiet_p99_ratio"]
    return told


if __name__ == "__main__":
    main()
