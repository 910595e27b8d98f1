"""Load: so many callers at once for so many seconds, in processes of their own. Answers how many bookings were accepted."""

import http.client
import json
import multiprocessing
import pickle
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from bench._rows import Copies

BODY = json.dumps(
    {
        "pickup": {"latitude": 36.1147, "longitude": -115.1728, "label": "Caesars Palace"},
        "dropoff": {"latitude": 36.0840, "longitude": -115.1537, "label": "Airport"},
        "passengers": 2,
        "reference": "bench",
    }
)
_PROCESSES = 2


def over_http(port: int, host: str, token: str, *, callers: int, seconds: float) -> float:
    """Accepted bookings per second of the server on `port`."""
    return _rate(_HttpCaller(port, host, token), callers=callers, seconds=seconds)


def over_psycopg(dsn: str, rows: Path, schema: str, *, callers: int, seconds: float) -> float:
    """The same rows per second, written by psycopg alone."""
    return _rate(_PsycopgCaller(dsn, rows, schema), callers=callers, seconds=seconds)


class _HttpCaller:
    def __init__(self, port: int, host: str, token: str) -> None:
        self._port = port
        self._headers = {"Host": host, "Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __call__(self, until: float) -> int:
        accepted = 0
        session = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while time.monotonic() < until:
            session.request("POST", "/api/v1/bookings", BODY, {**self._headers, "Idempotency-Key": str(uuid.uuid4())})
            response = session.getresponse()
            text = response.read()
            if response.status != 202:
                raise RuntimeError(f"{response.status}: {text[:500]!r}")
            accepted += 1
        session.close()
        return accepted


class _PsycopgCaller:
    def __init__(self, dsn: str, rows: Path, schema: str) -> None:
        self._dsn, self._rows, self._schema = dsn, rows, schema

    def __call__(self, until: float) -> int:
        copies: Copies = pickle.loads(self._rows.read_bytes())
        written = 0
        # As Django does it: parameters are put into the statement by the client.
        with psycopg.connect(
            self._dsn, options=f"-c search_path={self._schema},public", cursor_factory=psycopg.ClientCursor
        ) as session:
            while time.monotonic() < until:
                with session.transaction(), session.cursor() as cursor:
                    for statement, params in copies.fresh():
                        cursor.execute(statement, params)
                written += 1
        return written


def _rate(caller: Callable[[float], int], *, callers: int, seconds: float) -> float:
    context = multiprocessing.get_context("spawn")
    with context.Pool(_PROCESSES) as pool:
        pool.map(time.sleep, [0.3] * _PROCESSES, chunksize=1)  # both are up before the clock starts
        shares = [(caller, callers // _PROCESSES, seconds)] * _PROCESSES
        return sum(pool.starmap(_share, shares, chunksize=1)) / seconds


def _share(caller: Callable[[float], int], threads: int, seconds: float) -> int:
    until = time.monotonic() + seconds
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(caller(until))
        except Exception as error:  # noqa: BLE001  # told to the parent below
            done.append(error)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    failed = [each for each in done if isinstance(each, Exception)]
    if failed:
        raise failed[0]
    return sum(done)
