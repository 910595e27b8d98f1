"""`make bench-backlog`: a queue of 100,000 waiting messages, worked off with the sweeper running and without, in turns.

The product's workers (as in `bench/_sides.py`) drain one long queue of empty commands. Every window of a few seconds the
sweeper is stopped or continued (SIGSTOP, SIGCONT), in changing order; two windows make a pair. Told are the ratio of what was
worked off with and without it, the sweeper's own processor time, and by how many messages the queue ever exceeded the rows
that waited: what is sent again must neither slow a queue nor make it grow. Results go to bench/results/backlog.json and
backlog.svg.
"""

import json
import os
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import redis

from bench._servers import RESULTS, end_in_order, product_environment, say, wait_for
from bench._sides import Side, cpu_seconds, side
from wildrydes.embedded import EmbeddedPostgres, EmbeddedValkey

SLUG = "bench-tenant"
HOST = f"{SLUG}.localhost"
WAITING = int(os.environ.get("BENCH_WAITING", "100000"))
PAIRS = int(os.environ.get("BENCH_ROUNDS", "10"))
WINDOW_SECONDS = 5.0
# One pipeline of wake-ups has to go through within the fast path's time limit.
_BATCH = 100


def main() -> None:
    """Fill the queue, drain it in windows, write the results."""
    end_in_order()
    folder = Path(tempfile.mkdtemp(prefix="wildrydes-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
        for server in (postgres, valkey):
            stack.callback(server.destroy)
            server.start()
        environment = {
            **product_environment(postgres.url, valkey.url, folder),
            "DJANGO_SETTINGS_MODULE": "bench._pipeline_settings",
            "BENCH_HOST": HOST,
        }
        os.environ.update(environment)
        _prepare()
        ours = stack.enter_context(side("ours", environment, folder, redis_url=valkey.client_url))
        client = redis.Redis.from_url(ours.redis_url)
        stack.callback(client.close)
        _fill()
        parking = _let_park(ours)
        windows = _drain(ours, client, postgres.pid or 0)
    _write(windows, parking)


def _prepare() -> None:
    import django

    django.setup()
    import_module("wildrydes.celery")
    from bench._product import onboard

    say("Migrating and onboarding a tenant …")
    onboard(SLUG)


def _fill() -> None:
    from django.conf import settings
    from django.db import transaction

    from bench._pipeline_topology import DoNothing
    from messaging.services import send, together
    from tenants.registry.context import enter_tenant
    from tenants.registry.directory import tenant_by_host

    tenant = tenant_by_host(HOST)
    if tenant is None:
        raise SystemExit("The tenant was not onboarded.")
    # Nobody waits for this process, and the queue is to hold a wake-up for every row.
    settings.MESSAGING = {**settings.MESSAGING, "SEND_TIMEOUT_SECONDS": 10.0}
    for first in range(0, WAITING, _BATCH):
        with enter_tenant(tenant), transaction.atomic(), together():
            for number in range(first, first + _BATCH):
                send(DoNothing(number=number))
        if first % 20_000 == 0:
            say(f"{first:,} of {WAITING:,} messages are accepted …")


def _let_park(ours: Side) -> float:
    """Until the sweeper has looked at each row once and parked it; answers the seconds that took, beside the workers."""
    from django.db.models.functions import Now

    from messaging.models import Delivery
    from tenants.registry.context import enter_public

    def looked_at() -> bool:
        with enter_public():
            mine = Delivery.objects.filter(handler="bench.do_nothing", claim_id=None)
            return (
                mine.filter(due_at__lt=Now() + timedelta(seconds=60)).count() <= 500
            )  # the next ones are never parked

    began = time.monotonic()
    with ours.measured():
        wait_for(looked_at, seconds=300.0)
    say(f"Each row was looked at once within {time.monotonic() - began:.0f} s.")
    return round(time.monotonic() - began, 1)


def _drain(ours: Side, client: "redis.Redis", postgres: int) -> list[dict[str, Any]]:
    windows: list[dict[str, Any]] = []
    for pair in range(PAIRS + 1):
        for swept in (True, False) if pair % 2 else (False, True):
            window = _window(ours, client, postgres, swept=swept)
            if pair:  # the first pair warms up
                windows.append({"pair": pair, **window})
            say(f"pair {pair}, {'with' if swept else 'without'} the sweeper: {window['per_second']:.0f}/s, {window}")
            if not window["rows"]:
                raise SystemExit(
                    "The queue was empty before the last window: raise BENCH_WAITING or lower BENCH_ROUNDS."
                )
    return windows


def _window(ours: Side, client: "redis.Redis", postgres: int, *, swept: bool) -> dict[str, Any]:
    with ExitStack() as stack:
        if swept:
            stack.enter_context(ours.measured())
        elif ours.sweeper is not None:
            _stand_still(ours)
        time.sleep(0.5)
        sweeper = [ours.sweeper.pid] if ours.sweeper is not None else []
        cpu, database, done, began = cpu_seconds(sweeper), cpu_seconds([postgres]), _done(ours), time.monotonic()
        time.sleep(WINDOW_SECONDS)
        ended = _done(ours) - done
        rate = ended / (time.monotonic() - began)
        spent, of_database = cpu_seconds(sweeper) - cpu, cpu_seconds([postgres]) - database
        # What workers take between the two looks is in the rows and not in the queue, never the other way round.
        queued, rows = ours.waiting(client), _rows()
    return {
        "swept": swept,
        "per_second": round(rate, 1),
        "sweeper_cpu_share": round(spent / WINDOW_SECONDS, 4),
        "postgres_ms_per_message": round(of_database * 1e3 / max(1, ended), 2),
        "rows": rows,
        "queued": queued,
    }


def _stand_still(ours: Side) -> None:
    with ours.measured():
        pass  # leaving the block stops the sweeper


def _done(ours: Side) -> int:
    return ours.done.read_bytes().count(b"\n")


def _rows() -> int:
    from messaging.models import Delivery
    from tenants.registry.context import enter_public

    with enter_public():
        return Delivery.objects.filter(handler="bench.do_nothing").count()


def _write(windows: list[dict[str, Any]], parking: float) -> None:
    rates = {(each["pair"], each["swept"]): each["per_second"] for each in windows}
    ratios = [rates[pair, True] / rates[pair, False] for pair in range(1, PAIRS + 1)]
    shares = [each["sweeper_cpu_share"] for each in windows if each["swept"]]
    results = {
        "throughput_ratio_swept": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "sweeper_cpu_share": round(statistics.median(shares), 4),
        "queue_beyond_rows": max(each["queued"] - each["rows"] for each in windows),
        "parking_seconds": parking,
        "waiting_at_first": windows[0]["rows"],
        "windows": windows,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "backlog.json").write_text(json.dumps(results, indent=2) + "\n")
    _draw(windows, results)
    for name in ("throughput_ratio_swept", "spread", "sweeper_cpu_share", "queue_beyond_rows"):
        say(f"{name} {results[name]}")


def _draw(windows: list[dict[str, Any]], results: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 2.6))
    for swept, colour, label in ((True, "#6b21a8", "with the sweeper"), (False, "#a78bfa", "without it")):
        found = [(number, each["per_second"]) for number, each in enumerate(windows) if each["swept"] is swept]
        axes.plot(*zip(*found, strict=True), "o", color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("window", fontsize=8)
    axes.set_ylabel("worked off per second", fontsize=8)
    axes.set_title(
        f"{results['waiting_at_first']:,} messages wait: {results['throughput_ratio_swept']:.2f} of the rate without",
        fontsize=10,
    )
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(RESULTS / "backlog.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
