"""`make bench-pipeline`: the whole pipeline beside the naive one, in interleaved pairs of one run.

Both sides run the product's own web server, use cases and handlers on Celery workers with the same pools and settings, on one
PostgreSQL (fsync on) and one Valkey (append-only file, fsync each second). The naive side starts handlers by
`transaction.on_commit(task.delay)` and guarantees nothing; see `bench/_naive.py`.

- empty: commands whose handler does nothing, posted in a transaction each;
- ride: `POST /api/v1/bookings` until confirmed: planned, captured at the payment simulator, and told to loyalty and push.

Each pair measures throughput (as fast as it goes) and latency (at a moderate rate) of both, in changing order. Ratios are per
pair, ours to the naive one's. The processor time of all processes is told beside the clock's: it does not depend on what
else the machine does. Results go to bench/results/pipeline.json and pipeline.svg.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench._pairs import Bench
from bench._pipeline_results import summary, write
from bench._servers import answers, end_in_order, free_port, product_environment, running, say, wait_for
from bench._sides import Side, side
from wildrydes.embedded import EmbeddedPostgres, EmbeddedValkey

SLUG = "bench-tenant"
HOST = f"{SLUG}.localhost"
PAIRS = int(os.environ.get("BENCH_ROUNDS", "5"))


def main() -> None:
    """Prepare, run the pairs, write the results."""
    end_in_order()
    folder = Path(tempfile.mkdtemp(prefix="wildrydes-bench-"))
    with ExitStack() as stack:
        if "BENCH_KEEP" not in os.environ:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
        for server in (postgres, valkey):
            stack.callback(server.destroy)
            server.start()
        provider = stack.enter_context(_payment_provider(folder))
        environment = {
            **product_environment(postgres.url, valkey.url, folder),
            "DJANGO_SETTINGS_MODULE": "bench._pipeline_settings",
            "PAYMENT_PROVIDER_URL": f"http://127.0.0.1:{provider[0]}",
            "OUTBOUND_ALLOW": "127.0.0.0/8",
            "BENCH_HOST": HOST,
        }
        os.environ.update(environment)
        say("Migrating and onboarding a tenant …")
        riders = _prepare()
        pairs = []
        with _both_sides(environment, folder, valkey) as sides:
            shared = {"postgres": postgres.pid or 0, "valkey": valkey.pid or 0, "provider": provider[1]}
            bench = Bench(HOST, riders, shared)
            for number in range(PAIRS + 1):
                pair = bench.pair(sides if number % 2 else sides[::-1], number)
                if number:
                    pairs.append(pair)
    write(summary(pairs))


@contextmanager
def _both_sides(environment: dict[str, str], folder: Path, valkey: EmbeddedValkey) -> Iterator[list[Side]]:
    with ExitStack() as stack:
        started = []
        for number, name in enumerate(("ours", "naive")):
            settings = {**environment, "REDIS_URL": valkey.url.replace("virtual_host=0", f"virtual_host={number}")}
            redis_url = valkey.client_url.replace("db=0", f"db={number}")
            started.append(stack.enter_context(side(name, settings, folder, redis_url=redis_url)))
        yield started


@contextmanager
def _payment_provider(folder: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    arguments = ["simulators", "payments", "--port", str(port), "--data", str(folder / "simulators")]
    with running(arguments, {}) as child:
        wait_for(lambda: answers(port), child)
        yield port, child.pid


def _prepare() -> list[Any]:
    import django

    django.setup()
    from bench._product import onboard
    from bench._rides import gather_fleet, riders

    onboard(SLUG)
    gather_fleet()
    return riders(SLUG)


if __name__ == "__main__":
    main()
