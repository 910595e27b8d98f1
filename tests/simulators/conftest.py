"""Real simulator processes on free ports, and a small client for them."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

ROOT = Path(__file__).parents[2]


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Simulator:
    """One running simulator; `call` never retries."""

    def __init__(self, name: str, data: Path, *options: str) -> None:
        self.name, self.data, self.options = name, data, options
        self.http = urllib3.PoolManager(retries=False, timeout=5, maxsize=64)
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "simulators",
            self.name,
            "--port",
            "0",
            "--data",
            str(self.data),
            *self.options,
        ]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"{line}{self.process.stderr and self.process.stderr.read()}"
        self.url = found[0]

    def end(self, *, kill: bool = False) -> int:
        (self.process.kill if kill else self.process.terminate)()
        return self.process.wait(10)

    def call(
        self,
        method: str,
        path: str,
        payload: object = None,
        *,
        body: bytes | None = None,
        timeout: float = 5,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if payload is not None:
            body = json.dumps(payload).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self.http.request(method, self.url + path, body=body, headers=sent, timeout=timeout)
        return Answer(response.status, response.headers, response.data)


def running(name: str, data: Path, *options: str) -> Iterator[Simulator]:
    simulator = Simulator(name, data, *options)
    yield simulator
    simulator.http.clear()
    assert simulator.end() == 0, "SIGTERM ends it cleanly"


@pytest.fixture(scope="session")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("payments", tmp_path_factory.mktemp("payments"))


@pytest.fixture(scope="session")
def finance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("finance", tmp_path_factory.mktemp("finance"))


@pytest.fixture(scope="session")
def unicorns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("unicorns", tmp_path_factory.mktemp("unicorns"), "--count", "12")


class Customer:
    """An account of its own at the payment provider."""

    def __init__(self, payments: Simulator) -> None:
        self.payments = payments
        self.name = uuid.uuid4().hex

    def call(self, method: str, path: str, payload: object = None, **more: Any) -> Answer:
        return self.payments.call(method, path, payload, Authorization=f"Bearer sk_sim_{self.name}", **more)

    def charge(self, *, key: str | None = None, timeout: float = 5, **changes: object) -> Answer:
        body = {"amount": 1250, "currency": "USD", "source": "tok_visa", "reference": "booking-1", **changes}
        return self.call("POST", "/v1/charges", body, Idempotency_Key=key or uuid.uuid4().hex, timeout=timeout)

    def refund(self, charge: str, amount: object, *, key: str | None = None) -> Answer:
        body = {"amount": amount, "reference": "refund-1"}
        return self.call("POST", f"/v1/charges/{charge}/refunds", body, Idempotency_Key=key or uuid.uuid4().hex)

    def script(self, *outcomes: str, **more: object) -> Answer:
        return self.payments.call("POST", "/dials/next", {"outcomes": list(outcomes), "account": self.name, **more})

    def dials(self, **dials: object) -> Answer:
        return self.payments.call("PUT", f"/dials/{self.name}", dials)

    def ledger(self) -> Any:
        return self.call("GET", "/v1/ledger").json()


@pytest.fixture
def customer(payments: Simulator) -> Customer:
    return Customer(payments)
