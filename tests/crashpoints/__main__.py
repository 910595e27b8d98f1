"""`python -m tests.crashpoints`: let the process die at every point of a ride; all of them have to end right.

Prints a table of the points and, in the last line, how many ended right. `--sample` takes some of them, drawn from a seed.
"""

import argparse
import logging
import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tests.support.servers import prepare_environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep; 0 when every point ended right."""
    parser = argparse.ArgumentParser(prog="python -m tests.crashpoints", description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="how many blows to deal; all when not given")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample")
    parser.add_argument("--jobs", type=int, default=2, help="children at once")
    parser.add_argument("--ride", default="", help="this ride alone")
    parser.add_argument("--point", type=int, default=0, help="this point of each ride alone")
    given = parser.parse_args(arguments)
    _prepare()
    result = import_module("tests.crashpoints.sweeping").sweep_all(
        sample=given.sample, seed=given.seed, jobs=given.jobs, ride=given.ride, point=given.point
    )
    show(result)
    dealt, right = len(result.struck), len(result.struck) - len(result.wrong)
    print(
        f"crashpoints: {'FAIL' if result.wrong else 'PASS'} points={sum(map(len, result.points.values()))} "
        f"blows={dealt} of={result.possible} right={right} ({right / dealt:.1%}) seconds={result.seconds:.0f}"
    )
    return 1 if result.wrong else 0


def show(result: Any) -> None:
    """Print the table, and what went wrong."""
    cells: dict[Any, str] = defaultdict(lambda: "-")
    for blow in result.struck:
        cells[blow.case.ride, blow.point.number, str(blow.fate)] = "wrong" if blow in result.wrong else "right"
    fates = ("dies before", "dies after", "done but reported as lost")
    print(f"{'':4} {'who':34} {'what':40} {' '.join(f'{fate:11}' for fate in fates)}")
    for ride, found in result.points.items():
        print(f"== {ride}: {len(found)} points")
        for point in found:
            row = (cells[ride, point.number, fate] for fate in fates)
            print(f"{point.number:4} {point.who:34} {point.what:40} {' '.join(f'{cell:11}' for cell in row)}")
    for blow in result.wrong:
        complaints = "; ".join(result.complaints[blow.case.key])
        print(
            f"WRONG {blow.case.ride}, {blow.fate} {blow.point.number}, {blow.point.who} {blow.point.what}: {complaints}"
        )


def _prepare() -> None:
    """Short leases, so that healing is quick; silence, because thousands of warnings are what this is about."""
    os.environ.setdefault("MESSAGING_LEASE_SECONDS", "2")
    os.environ["EMAIL_BACKEND"] = "django.core.mail.backends.locmem.EmailBackend"
    prepare_environment()
    import_module("django").setup()
    import_module("wildrydes.celery")
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # no static files were collected


if __name__ == "__main__":
    sys.exit(main())
