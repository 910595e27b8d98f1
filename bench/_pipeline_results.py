"""What `make bench-pipeline` found: ratios with their spread, and a picture."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from typing import Any

from bench._pairs import EMPTY, EMPTY_RATE, RIDE_RATE, RIDES, Pair
from bench._servers import RESULTS, say

_LABELS = {"ride": "a ride, booked until confirmed", "empty": "an empty handler"}


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Ratios per pair (ours to the naive one's), because the machine's mood changes; medians on top."""
    variants = [name for name in _LABELS if name in pairs[0]]
    results: dict[str, Any] = {
        f"throughput_ratio_{name}": _median(_ratios(pairs, name, "per_second")) for name in variants
    }
    results["spread"] = {f"throughput_ratio_{name}": _range(_ratios(pairs, name, "per_second")) for name in variants}
    for name in variants:
        results[name] = {side: _side(pairs, name, side) for side in ("ours", "naive")}
        results[name]["ratios"] = {
            figure: {"median": _median(found), "spread": _range(found)}
            for figure in ("latency_p50", "latency_p99")
            for found in (_ratios(pairs, name, figure),)
        }
        cpu = [pair[name]["ours"]["cpu"]["all"] / pair[name]["naive"]["cpu"]["all"] for pair in pairs]
        results[name]["ratios"]["cpu"] = {"median": _median(cpu), "spread": _range(cpu)}
    results["pairs"] = _rounded(list(pairs))
    results["load"] = {
        "rides": RIDES,
        "empty": EMPTY,
        "latency_at": {"rides_per_second": RIDE_RATE, "empty_per_second": EMPTY_RATE},
    }
    results["durability"] = "PostgreSQL with fsync and synchronous commit; Valkey's append-only file synced each second"
    results["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    return results


def _ratios(pairs: Sequence[Pair], variant: str, figure: str) -> list[float]:
    return [pair[variant]["ours"][figure] / pair[variant]["naive"][figure] for pair in pairs]


def _side(pairs: Sequence[Pair], variant: str, side: str) -> dict[str, Any]:
    figures = [pair[variant][side] for pair in pairs]
    return {
        "per_second": _median([each["per_second"] for each in figures]),
        "latency_ms": {
            "p50": _median([each["latency_p50"] for each in figures]),
            "p99": _median([each["latency_p99"] for each in figures]),
        },
        "cpu_ms": {part: _median([each["cpu"][part] for each in figures]) for part in figures[0]["cpu"]},
    }


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def _range(values: Sequence[float]) -> list[float]:
    return [round(min(values), 3), round(max(values), 3)]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3)


def write(results: dict[str, Any]) -> None:
    """The figures, and a picture of them."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "pipeline.json").write_text(json.dumps(results, indent=2) + "\n")
    _draw(results)
    for name in _LABELS:
        if name in results:
            low, high = results["spread"][f"throughput_ratio_{name}"]
            say(f"throughput_ratio_{name} {results[f'throughput_ratio_{name}']} ({low} to {high})")


def _draw(results: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    variants = [name for name in _LABELS if name in results]
    figure, rows = pyplot.subplots(len(variants), 2, figsize=(9, 1.7 * len(variants) + 1), squeeze=False)
    for (left, right), name in zip(rows, variants, strict=True):
        for row, (side, colour) in enumerate((("ours", "#6b21a8"), ("naive", "#a78bfa"))):
            found = results[name][side]
            left.barh(row, found["per_second"], color=colour)
            left.plot(
                [pair[name][side]["per_second"] for pair in results["pairs"]], [row] * len(results["pairs"]), "k|"
            )
            right.barh(row, found["latency_ms"]["p99"], color=colour, alpha=0.4)
            right.barh(row, found["latency_ms"]["p50"], color=colour)
        left.set_title(f"{_LABELS[name]}: {results[f'throughput_ratio_{name}']:.2f} of naive", fontsize=10)
        left.set_xlabel("per second (bars: median, strokes: pairs)", fontsize=8)
        right.set_xlabel("latency in ms (dark: p50, light: p99)", fontsize=8)
        for axes in (left, right):
            axes.set_yticks([0, 1], ["with guarantees", "naive"], fontsize=8)
            axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(RESULTS / "pipeline.svg", metadata={"Date": None})
