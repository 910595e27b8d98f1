"""`make bench-api`: accepted bookings per second on the real server, beside the same rows without the product around them.

Three ways to write a booking's rows, at equal concurrency, in interleaved rounds of one run:

- the product on gunicorn: token, quota, idempotency key, validation, saga, outbox, wake-up of workers;
- a bare Django view on the same gunicorn that writes the same rows (recorded from the product, with fresh ids);
- psycopg alone in the callers' own processes.

Results go to bench/results/api.json and api.svg. It runs on servers of its own and leaves nothing behind.
"""

import json
import os
import pickle
import platform
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._servers import RESULTS, end_in_order, product_environment, say, serving
from wildrydes.embedded import EmbeddedPostgres, EmbeddedValkey

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CALLERS = int(os.environ.get("BENCH_CALLERS", "16"))
SLUG = "bench-tenant"
SCHEMA = "t_bench_tenant"


@dataclass(frozen=True)
class Prepared:
    """What the rounds need: a token, the recorded rows, the statements in them."""

    token: str
    rows: Path
    statements: int


def main() -> None:
    """Prepare, run the rounds, write the results."""
    end_in_order()
    folder = Path(tempfile.mkdtemp(prefix="wildrydes-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
        for server in (postgres, valkey):
            stack.callback(server.destroy)
            server.start()
        environment = _environment(postgres.url, valkey.url, folder)
        os.environ.update(environment)
        say("Migrating and onboarding a tenant …")
        prepared = prepare(folder)
        product, _ = stack.enter_context(serving("wildrydes.wsgi", environment))
        bare_environment = {**environment, "DJANGO_SETTINGS_MODULE": "bench._bare_settings"}
        bare, _ = stack.enter_context(serving("bench._bare_django", bare_environment))
        rounds = list(run_rounds(prepared, product, bare))
    write(summary(rounds, prepared))


def _environment(database: str, redis: str, folder: Path) -> dict[str, str]:
    return {
        **product_environment(database, redis, folder),
        "BENCH_ROWS": str(folder / "rows.pickle"),
        "BENCH_SCHEMA": SCHEMA,
    }


def prepare(folder: Path) -> Prepared:
    """Onboard a tenant without limits and record the rows of one booking, made through the product's own view."""
    import django

    django.setup()
    from bench._product import onboard, record_one_booking

    onboard(SLUG)
    token, copies, statements = record_one_booking(SLUG)
    rows = folder / "rows.pickle"
    rows.write_bytes(pickle.dumps(copies))
    rows.chmod(0o644)
    return Prepared(token, rows, statements)


def run_rounds(prepared: Prepared, product: int, bare: int) -> Iterator[dict[str, float]]:
    """The three ways in turn, starting with another one each round; the first round warms up and does not count."""
    from django.conf import settings

    from bench._load import over_http, over_psycopg

    host = f"{SLUG}.localhost"
    database = settings.DATABASES["default"]
    dsn = f"host={database['HOST']} user={database['USER']} dbname={database['NAME']}"
    if database["PASSWORD"]:
        dsn += f" password={database['PASSWORD']}"
    shared: dict[str, Any] = {"callers": CALLERS, "seconds": SECONDS}
    ways = {
        "product": lambda: over_http(product, host, prepared.token, **shared),
        "bare_django": lambda: over_http(bare, host, prepared.token, **shared),
        "psycopg": lambda: over_psycopg(dsn, prepared.rows, SCHEMA, **shared),
    }
    names = list(ways)
    for number in range(ROUNDS + 1):
        turn = names[number % 3 :] + names[: number % 3]
        rates = {name: ways[name]() for name in turn}
        label = f"Round {number} of {ROUNDS}" if number else "Warming up"
        say(f"{label}: " + ", ".join(f"{name} {rates[name]:.0f}/s" for name in names))
        if number:
            yield rates


def summary(rounds: list[dict[str, float]], prepared: Prepared) -> dict[str, Any]:
    """Ratios per round, because the machine's mood changes; medians on top."""
    to_bare = [each["product"] / each["bare_django"] for each in rounds]
    to_psycopg = [each["product"] / each["psycopg"] for each in rounds]
    return {
        "ratio_to_bare_django": round(statistics.median(to_bare), 3),
        "ratio_to_psycopg": round(statistics.median(to_psycopg), 3),
        "spread": {
            "ratio_to_bare_django": [round(min(to_bare), 3), round(max(to_bare), 3)],
            "ratio_to_psycopg": [round(min(to_psycopg), 3), round(max(to_psycopg), 3)],
        },
        "accepted_per_second": {name: round(statistics.median(each[name] for each in rounds), 1) for name in rounds[0]},
        "rounds": [{name: round(rate, 1) for name, rate in each.items()} for each in rounds],
        "callers": CALLERS,
        "seconds_per_round": SECONDS,
        "statements_per_booking": prepared.statements,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
    }


def write(results: dict[str, Any]) -> None:
    """The figures, and a picture of them."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "api.json").write_text(json.dumps(results, indent=2) + "\n")
    names = {"product": "the product", "bare_django": "a bare Django view", "psycopg": "psycopg alone"}
    figure, axes = pyplot.subplots(figsize=(7, 3.2))
    medians = [results["accepted_per_second"][name] for name in names]
    axes.barh(list(names.values()), medians, color=["#6b21a8", "#a78bfa", "#d4d4d8"])
    for row, name in enumerate(names):
        axes.plot([each[name] for each in results["rounds"]], [row] * len(results["rounds"]), "k|", markersize=9)
    axes.invert_yaxis()
    axes.set_xlabel("bookings per second (bars: median, strokes: rounds)")
    axes.set_title(f"Accepting a booking: {results['ratio_to_bare_django']:.2f} of a bare view with the same rows")
    figure.tight_layout()
    figure.savefig(RESULTS / "api.svg", metadata={"Date": None})
    say(f"ratio_to_bare_django {results['ratio_to_bare_django']}, ratio_to_psycopg {results['ratio_to_psycopg']}")


if __name__ == "__main__":
    main()
