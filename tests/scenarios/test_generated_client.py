"""A client that a tenant's developer generates from our OpenAPI document books a ride against the running product."""

import importlib
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest

from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import RIDE
from wildrydes.devstack.logins import Login

_SECONDS = 60.0


@pytest.fixture
def generated(stack: Stack, logins: dict[str, Login], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the generated package; the document comes from the running server."""
    asked = urllib.request.Request(f"{stack.base_url}/api/schema", headers={"Host": logins["premium"].host})
    document, config = tmp_path / "openapi.json", tmp_path / "config.yml"
    with urllib.request.urlopen(asked, timeout=30) as answer:
        document.write_bytes(answer.read())
    config.write_text("post_hooks: []\n")
    name = f"rides_{uuid.uuid4().hex[:8]}"
    command = [
        Path(sys.executable).with_name("openapi-python-client"),
        *("generate", "--path", document, "--config", config, "--meta", "none", "--output-path", tmp_path / name),
        "--fail-on-warning",
    ]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_generated_client_books_a_ride(stack: Stack, logins: dict[str, Login], generated: str) -> None:
    def part(path: str) -> Any:
        return importlib.import_module(f"{generated}.{path}")

    login, models = logins["premium"], part("models")
    options: dict[str, Any] = {"headers": {"Host": login.host}, "raise_on_unexpected_status": True}
    visitor = part("client").Client(base_url=stack.base_url, **options)
    credentials = models.Credentials(email=login.email, password=login.password)
    tokens = part("api.auth.log_in").sync(client=visitor, body=credentials)
    rider = part("client").AuthenticatedClient(base_url=stack.base_url, token=tokens.access, **options)

    wanted = models.BookingRequest.from_dict(RIDE)
    booked = part("api.bookings.create_booking").sync_detailed(
        client=rider, body=wanted, idempotency_key=str(uuid.uuid4())
    )
    assert booked.status_code == 202, booked.content
    operation = booked.parsed
    assert booked.headers["Location"] == operation.links.self_

    until = time.monotonic() + _SECONDS
    while operation.status in ("accepted", "running") and time.monotonic() < until:
        operation = part("api.operations.get_operation").sync(operation.id, client=rider, prefer="wait=5")
    assert operation.status == "succeeded", operation
    ride = part("api.bookings.get_booking").sync(operation.result["id"], client=rider)
    assert ride.state == "confirmed"
    assert ride.unicorn.name

    refused = part("api.bookings.create_booking").sync(client=rider, body=wanted, idempotency_key="not a key")
    assert isinstance(refused, models.Problem)
    assert refused.type_.endswith("/invalid-header")
