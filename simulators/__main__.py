"""`python -m simulators payments|stripe|finance|unicorns --port N --data DIR`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette

from simulators.finance.views import finance_application
from simulators.journal import Journal, JournalError
from simulators.payments.views import payments_application
from simulators.serving import serve
from simulators.stripe.views import stripe_application
from simulators.unicorns.callers import FleetCaller
from simulators.unicorns.herd import Herd
from simulators.unicorns.views import AtWork, unicorns_application


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one simulator; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        journal = Journal(options.data / f"{options.simulator}.jsonl")
        serve(_application(options, journal), name=options.simulator, host=options.host, port=options.port)
    except JournalError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(
            f"cannot listen on {options.host}:{options.port} ({error.strerror}); choose another --port or --host"
        )
    return 0


def _application(options: argparse.Namespace, journal: Journal) -> Starlette:
    if options.simulator == "payments":
        return payments_application(journal)
    if options.simulator == "stripe":
        return stripe_application(journal)
    if options.simulator == "finance":
        return finance_application(journal)
    herd = Herd(
        count=options.count, latitude=options.lat, longitude=options.lng, radius_km=options.radius_km, seed=options.seed
    )
    if not options.fleet_url:
        return unicorns_application(journal, herd)
    caller = FleetCaller(options.fleet_url, options.fleet_credentials)
    return unicorns_application(journal, herd, AtWork(caller=caller, hook=options.fleet_hook))


def _fail(message: str) -> int:
    sys.stderr.write(f"simulators: {message}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description="The outside world, for development.")
    commands = parser.add_subparsers(dest="simulator", required=True, metavar="payments|stripe|finance|unicorns")
    for name, what in (
        ("payments", "a card processor with a ledger"),
        ("stripe", "the part of Stripe's API that the product uses"),
        ("finance", "a tenant's finance system that takes webhooks"),
        ("unicorns", "a fleet operator's system"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("--port", type=_whole(0, 65535), required=True, help="0 takes a free one and prints it")
        command.add_argument("--data", type=Path, required=True, help="folder where the state is kept")
        command.add_argument("--host", default="127.0.0.1")
        if name == "unicorns":
            command.add_argument("--count", type=_whole(0, 100_000), default=60)
            command.add_argument("--lat", type=_decimal(-80, 80), default=36.1147, help="latitude of the city's centre")
            command.add_argument(
                "--lng", type=_decimal(-180, 180), default=-115.1728, help="longitude of the city's centre"
            )
            command.add_argument("--radius-km", type=_decimal(0.1, 500), default=8.0)
            command.add_argument("--seed", type=int, default=1)
            command.add_argument("--fleet-url", help="the product's public address: take part in requests for quotes")
            command.add_argument(
                "--fleet-credentials", type=Path, default=Path("fleet.json"), help="JSON, may come later"
            )
            command.add_argument("--fleet-hook", help="our own address /fleet/hook, to have requests pushed")
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(given: str) -> int:
        value = int(given)
        if not least <= value <= most:
            raise ValueError
        return value

    read.__name__ = f"number from {least} to {most}"  # what argparse says when it raises
    return read


def _decimal(least: float, most: float) -> Callable[[str], float]:
    def read(given: str) -> float:
        value = float(given)
        if not least <= value <= most:
            raise ValueError
        return value

    read.__name__ = f"number from {least:g} to {most:g}"
    return read


if __name__ == "__main__":
    sys.exit(main())
