"""Posts empty commands, each in a transaction of its own, from a process that is kept: one per side.

Reads a line of JSON per run, {"first": …, "count": …, "rate": … or null, "threads": …}, and answers one with the nanoseconds
at which each began. With a rate the posts are due at fixed times (open loop); without one they follow each other.
"""

import json
import os
import sys
import threading
import time
from importlib import import_module
from typing import Any

import django


def main() -> None:
    """Set up, say so, work off the lines."""
    django.setup()
    import_module("wildrydes.celery")
    if os.environ["BENCH_SIDE"] == "naive":
        import_module("bench._naive").install()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_post_all(**json.loads(line))), flush=True)


def _post_all(*, first: int, count: int, rate: float | None, threads: int) -> list[int]:
    began: list[int] = [0] * count
    numbers = iter(range(count))
    lock = threading.Lock()
    start = time.monotonic()

    def work() -> None:
        while True:
            with lock:
                index = next(numbers, None)
            if index is None:
                return
            if rate is not None:
                time.sleep(max(0.0, start + index / rate - time.monotonic()))
            began[index] = time.time_ns()
            _post(first + index)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return began


def _post(number: int) -> None:
    from django.db import transaction

    from bench._pipeline_topology import DoNothing
    from messaging.services import send
    from tenants.registry.context import enter_tenant

    with enter_tenant(_tenant()), transaction.atomic():
        send(DoNothing(number=number))


def _tenant() -> Any:
    from tenants.registry.directory import tenant_by_host

    tenant = tenant_by_host(os.environ["BENCH_HOST"])
    if tenant is None:
        raise SystemExit("The tenant was not onboarded.")
    return tenant


if __name__ == "__main__":
    main()
