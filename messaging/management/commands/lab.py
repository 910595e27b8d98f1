"""`manage.py lab`: strategies compared under a load, and the shuffle-sharding figure, without changing anything."""

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.lab.comparing import compare
from messaging.lab.figures import Row
from messaging.lab.loads import MADE, Load, Size, UnusableTrace, load_of
from messaging.lab.picture import picture
from messaging.lab.shuffling import by_counting, by_formula
from messaging.lab.simulating import Result
from messaging.routing.strategies import ALL

_HEAD = (
    f"{'':10} {'quiet p50':>9} {'p95':>8} {'p99':>8} {'noisy p50':>10} {'p95':>8} {'p99':>8}"
    f" {'per s':>7} {'Jain':>5} {'queues':>7} {'moved':>5} {'took s':>8}"
)


class Command(BaseCommand):
    """Translate the options and print a table."""

    help = "Compare routing strategies: manage.py lab simulate --load aws; manage.py lab shuffle --queues 100 --own 2"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options of the two comparisons."""
        parts = parser.add_subparsers(dest="what", required=True)
        simulate = parts.add_parser("simulate", help="A discrete-event simulation with the strategies themselves.")
        simulate.add_argument(
            "--strategy", action="append", choices=["all", *ALL], help="All when not given. May be repeated."
        )
        simulate.add_argument(
            "--load", default="aws", help=f"{', '.join(MADE)}, or a recorded trace: a CSV or JSON lines file."
        )
        simulate.add_argument("--tenants", type=int, default=100)
        simulate.add_argument("--workers", type=int, default=10, help="Messages that are worked on at once.")
        simulate.add_argument("--seconds", type=float, default=60.0, help="How long messages come.")
        simulate.add_argument("--seed", type=int, default=1)
        simulate.add_argument("--turns", action="store_true", help="Tenants take turns in every queue but shared's.")
        simulate.add_argument("--picture", type=Path, help="Write the picture here (SVG).")
        simulate.add_argument("--json", type=Path, help="Write the figures here.")
        shuffle = parts.add_parser("shuffle", help="How many tenants share all queues of another one.")
        shuffle.add_argument("--queues", type=int, default=100)
        shuffle.add_argument("--own", type=int, default=2)
        shuffle.add_argument("--tenants", type=int, default=20_000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare."""
        if options["what"] == "shuffle":
            self._shuffle(options["queues"], options["own"], options["tenants"])
        else:
            self._simulate(options)

    def _shuffle(self, queues: int, own: int, tenants: int) -> None:
        if not (1 <= own <= min(queues, 8) and queues <= 1_000 and 2 <= tenants <= 1_000_000):
            raise CommandError("Choose 1 to 1000 queues, 1 to 8 own ones, and 2 to 1000000 tenants.")
        formula, counted = by_formula(queues, own), by_counting(queues, own, tenants)
        self.stdout.write(f"{queues} queues taken {own} at a time: one tenant shares all of another's with probability")
        self.stdout.write(f"  by formula    {100 * formula:.4f} %")
        self.stdout.write(f"  by counting   {100 * counted:.4f} %   ({tenants} tenants, all pairs)")

    def _simulate(self, options: dict[str, Any]) -> None:
        size = Size(
            tenants=options["tenants"], workers=options["workers"], seconds=options["seconds"], seed=options["seed"]
        )
        if not (1 <= size.tenants <= 1_000_000 and 1 <= size.workers <= 100_000 and 1 <= size.seconds <= 86_400):
            raise CommandError("Choose 1 to 1000000 tenants, 1 to 100000 workers, 1 to 86400 seconds.")
        try:
            load = load_of(options["load"], size)
        except UnusableTrace as error:
            raise CommandError(str(error)) from error
        asked = options["strategy"] or ["all"]
        names = list(ALL) if "all" in asked else list(dict.fromkeys(asked))
        results: dict[str, Result] = {}
        self._head(load, size)
        began = time.perf_counter()

        def tell(row: Row, result: Result) -> None:
            nonlocal began
            results[row.strategy] = result
            self.stdout.write(_said(row) + f" {time.perf_counter() - began:8.1f}")
            began = time.perf_counter()

        rows = compare(names, load, workers=size.workers, turns=options["turns"], tell=tell)
        try:
            if options["picture"]:
                options["picture"].write_text(picture(results, load))
            if options["json"]:
                told = {"load": load.name, "messages": len(load.arrivals), "workers": size.workers, "seed": size.seed}
                options["json"].write_text(
                    json.dumps({**told, "rows": [row.as_json() for row in rows]}, indent=2) + "\n"
                )
        except OSError as error:
            raise CommandError(f"It cannot be written: {error}") from error

    def _head(self, load: Load, size: Size) -> None:
        some = sorted(load.noisy)[:5]
        noisy = ", ".join(some) + (" …" if len(load.noisy) > len(some) else "") or "nobody"
        said = f"{len(load.arrivals)} messages of {len(load.tiers)} tenants, {size.workers} workers"
        self.stdout.write(f"Load {load.name}: {said}; noisy: {noisy}")
        self.stdout.write("Waiting in seconds, from when a message was due to be sent until work on it began.")
        self.stdout.write(_HEAD)


def _said(row: Row) -> str:
    quiet, noisy = row.quiet, row.noisy
    return (
        f"{row.strategy:10} {quiet.p50:9.3f} {quiet.p95:8.3f} {quiet.p99:8.3f} {noisy.p50:10.3f} {noisy.p95:8.3f}"
        f" {noisy.p99:8.3f} {row.per_second:7.0f} {row.jain:5.2f} {row.queues:7} {row.moved:5}"
    )
