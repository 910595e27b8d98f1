"""Servers and processes of a benchmark's own: what all of them need to run the product beside something else."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"


def end_in_order() -> None:
    """Let SIGTERM take down what was started, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Told to end."))


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def product_environment(database: str, redis: str, folder: Path) -> dict[str, str]:
    """The product's settings as in production, on these servers."""
    return {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SECRET_KEY": "bench-" * 10,
        "FIELD_ENCRYPTION_KEY": "A" * 43,
        "ENVIRONMENT": "production",
        "PUBLIC_DOMAIN": "localhost",
        "PUBLIC_PORT": "443",  # part of the tokens' issuer; otherwise each server's own port
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "WILDRYDES_VAR": str(folder / "var"),
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "wildrydes.settings",
        "PYTHONPATH": str(ROOT),
    }


@contextmanager
def serving(application: str, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """The application on gunicorn with the product's configuration; yields the port and the process id."""
    port = free_port()
    command = ["gunicorn", "-c", "wildrydes/gunicorn.py", f"{application}:application"]
    with running(command, {**environment, "PORT": str(port), "WEB_WORKERS": "2"}) as server:
        wait_for(lambda: answers(port), server)
        yield port, server.pid


@contextmanager
def running(module: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m …` for as long as the block lasts; its errors go to the file that BENCH_LOG names."""
    with Path(environment.get("BENCH_LOG", os.devnull)).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *module],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether an HTTP server answers on this port, with whatever status."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_for(
    condition: Callable[[], bool], child: "subprocess.Popen[bytes] | None" = None, *, seconds: float = 60.0
) -> None:
    """Wait until it holds, while the process lives."""
    until = time.monotonic() + seconds
    while not condition():
        if child is not None and child.poll() is not None:
            raise SystemExit(f"{child.args!r} ended with {child.returncode} before it was ready.")
        if time.monotonic() > until:
            raise SystemExit(f"Not so within {seconds:.0f} seconds: {condition!r}")
        time.sleep(0.05)
