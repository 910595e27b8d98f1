"""The picture of `make bench-fairqueue`: waiting over time, quiet against noisy, fairqueue beside the stock transport."""

from pathlib import Path
from typing import Any

_TITLES = {
    "amazon": "one sends 200/s, nine 10/s; consumers manage 267/s",
    "burst": "one sends 3,000 at once",
    "slow": "one's work takes 3 s, the others' 0.1 s",
    "many": "one sends 200/s beside 300 small ones",
}
_COLOURS = {("fairqueue", "quiet"): "#6b21a8", ("fairqueue", "noisy"): "#c084fc", ("stock", "quiet"): "#57534e"}
_COLOURS[("stock", "noisy")] = "#d6d3d1"


def draw(results: dict[str, Any], path: Path) -> None:
    """A panel per scenario: the 95th percentile of the waits of messages due in each second."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "fairqueue"
    from matplotlib import pyplot

    waiting = results["waiting"]
    figure, panels = pyplot.subplots(2, 2, figsize=(11, 6.4))
    for axes, (name, title) in zip(panels.flat, _TITLES.items(), strict=True):
        for (side, who), colour in _COLOURS.items():
            rows = waiting[name][side].get(who, {}).get("over_time", [])
            label = f"{side}: {'the noisy one' if who == 'noisy' else 'quiet ones'}"
            width = 2.6 if who == "quiet" else 1.6
            axes.plot(
                [row[0] for row in rows],
                [max(row[2], 0.001) for row in rows],
                color=colour,
                label=label,
                linewidth=width,
            )
        quiet = {side: waiting[name][side]["quiet"]["p99"] for side in ("fairqueue", "stock")}
        axes.set_title(f"{title}\nquiet p99: {quiet['fairqueue']:.2g} s, stock {quiet['stock']:.2g} s", fontsize=10)
        axes.set_yscale("log")
        axes.set_ylabel("seconds waited (95th percentile)", fontsize=8)
        axes.set_xlabel("seconds", fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    panels.flat[0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
