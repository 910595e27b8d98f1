"""A handful of kills, judged; and the same run doctored, which must fail. The long run is `make chaos`."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.__main__ import FAILED, PASSED, hold, main
from chaos.campaign import Campaign
from chaos.options import Files, Options
from chaos.record import Record
from chaos.schedule import Kind
from tests.scenarios.conftest import OWN_SERVERS
from tests.scenarios.rider import Rider
from wildrydes.devstack import Stack, product_processes
from wildrydes.devstack.logins import Login

# One of each part that can be hurt; the rest is the long run's.
KINDS = (
    Kind.WEB_WORKER,
    Kind.WORKER,
    Kind.SWEEPER,
    Kind.REDIS_EMPTY,
    Kind.REDIS_CUT,
    Kind.BACKEND,
)


@pytest.fixture
def quiet_again(stack: Stack, logins: dict[str, Login]) -> Iterator[None]:
    """The companies' webhooks go nowhere again."""
    yield
    stack.heal()
    for login in logins.values():
        Rider(stack, login).call("DELETE", "/api/v1/webhook")


def test_promises_survive_a_handful_of_kills_and_a_doctored_run_is_found_out(
    stack: Stack, tmp_path: Path, quiet_again: None, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path)
    campaign = Campaign(
        stack=stack,
        options=Options(
            kills=len(KINDS),
            seed=5,
            directory=tmp_path,
            pause=1.0,
            lease_seconds=float(OWN_SERVERS["MESSAGING_LEASE_SECONDS"]),
        ),
        record=Record(files.record),
        processes=[spec.name for spec in product_processes(stack.ports, stack.layout)],
        say=print,
        kinds=KINDS,
    )

    verdict = hold(campaign, files)

    said = capsys.readouterr().out
    assert verdict == PASSED, said
    report = json.loads(files.report.read_text())
    assert report["kills"] == len(KINDS)
    assert report["counts"]["promised"] > 10
    assert said.strip().splitlines()[-1].startswith(f"chaos: PASS seed=5 kills={len(KINDS)} promised=")
    for number, doctor in enumerate(DOCTORS):
        doctored = tmp_path / str(number)
        _doctor(files, Files(doctored), doctor)
        assert main(["judge", str(doctored)]) == FAILED, doctor.__name__
        assert capsys.readouterr().out.strip().splitlines()[-1].startswith("chaos: FAIL seed=5 ")


def drop_a_ledger_row(evidence: Any) -> None:
    ledger = next(company["ledger"] for company in evidence["companies"].values() if company["ledger"])
    ledger.remove(next(row for row in ledger if row["object"] == "charge" and row["status"] == "succeeded"))


def lose_a_booking(evidence: Any) -> None:
    evidence["companies"]["acme"]["bookings"].popitem()


def confirm_what_was_cancelled(evidence: Any) -> None:
    bookings = [ride for company in evidence["companies"].values() for ride in company["bookings"].values()]
    next(ride for ride in bookings if ride["state"] == "cancelled")["state"] = "confirmed"


DOCTORS = (drop_a_ledger_row, lose_a_booking, confirm_what_was_cancelled)


def _doctor(found: Files, doctored: Files, doctor: Callable[[Any], None]) -> None:
    doctored.directory.mkdir()
    shutil.copy(found.record, doctored.record)
    evidence = json.loads(found.evidence.read_text())
    doctor(evidence)
    doctored.evidence.write_text(json.dumps(evidence))
