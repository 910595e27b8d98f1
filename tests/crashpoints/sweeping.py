"""The sweep: record a ride's points, let a process die at each, heal, judge. All of it in children of one process."""

import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import connections, transaction

from fleet.domain import Point as Place
from fleet.domain import cell_of
from fleet.models import Unicorn, UnicornPosition
from messaging import outbox
from notifications.services import set_endpoint
from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import tenant_by_host
from tenants.registry.models import Tier
from tests.crashpoints.forking import Ended, in_child, in_children
from tests.crashpoints.healing import Healer, Judge
from tests.crashpoints.probing import DIED, Doom, Fate, Point, Probe
from tests.crashpoints.rides import HOST, PICKUP, RIDES, Case, Rider, new_key
from tests.simulators.conftest import Simulator
from tests.support import databases
from tests.support.draining import drain
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound
from wildrydes.kernel.redis_urls import client_url

UNICORNS = 60
INBOX = "crashpoints"


@dataclass(frozen=True)
class Blow:
    """A case and its doom; `point` as the recording found it."""

    case: Case
    point: Point
    fate: Fate


class Sweep:
    """All of it, in children of one process.

    Args:
        provider: the payment simulator.
        finance: the finance simulator.
        jobs: how many children at once.
    """

    def __init__(self, *, provider: Simulator, finance: Simulator, jobs: int) -> None:
        self._provider = provider
        self._finance = finance
        self._jobs = jobs
        self._database = f"wr_crashpoints_{os.getpid()}"
        self._token = ""
        self._number = 0

    def __enter__(self) -> "Sweep":
        settings.PAYMENT_PROVIDER_URL = self._provider.url
        # On a busy machine a wake-up takes longer than a request may wait, and a ride would end early by chance.
        patient = {"SEND_TIMEOUT_SECONDS": 10.0, "RESEND_BACKOFF_SECONDS": (1, 2, 4, 8)}
        settings.MESSAGING = {**settings.MESSAGING, **patient}
        _insist(in_child(self._make_database))
        connections["default"].settings_dict["NAME"] = self._database
        settings.DATABASES["default"]["NAME"] = self._database
        self._token = _insist(in_child(self._furnish))
        self._load_everything()
        return self

    def __exit__(self, *_: object) -> None:
        _insist(in_child(lambda: databases.drop(self._database)))
        redis.Redis.from_url(client_url(settings.REDIS_URL)).flushdb()

    def record(self, ride: str) -> list[Point]:
        """The points of a ride to which nothing happens; twice, so that chance is noticed."""
        first, second = (_insist(in_child(partial(self._live, self._case(ride), None))) for _ in range(2))
        assert first == second, f"{ride}: two rides had different points:\n{first}\n{second}"
        return [Point(**point) for point in first]

    def strike(self, blows: Sequence[tuple[str, Point, Fate]]) -> list[Blow]:
        """Let each happen to a ride of its own."""
        struck = [Blow(self._case(ride), point, fate) for ride, point, fate in blows]
        works = [partial(self._live, blow.case, Doom(blow.point, blow.fate)) for blow in struck]
        for blow, ended in zip(struck, in_children(works, jobs=self._jobs), strict=True):
            expected = 0 if blow.fate is Fate.REPORTED else DIED
            assert ended.status == expected, f"{blow} ended with {ended.status}: {ended.said}"
        return struck

    def heal(self, struck: Sequence[Blow]) -> dict[str, list[str]]:
        """Let healthy processes do what is left; complaints by key."""
        cases = [blow.case for blow in struck]
        return dict(_insist(in_child(lambda: self._heal(cases))))

    def _case(self, ride: str) -> Case:
        self._number += 1
        return Case(ride=ride, number=self._number, key=new_key())

    def _live(self, case: Case, doom: Doom | None) -> list[dict[str, Any]]:
        configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
        probe = Probe(doom)
        probe.install()
        RIDES[case.ride](Rider(self._token, case, probe))
        assert doom is None or probe.struck, f"{doom} was never reached: {probe.listing()}"
        return probe.listing()

    def _heal(self, cases: list[Case]) -> dict[str, list[str]]:
        configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
        Healer(self._token, cases).heal()
        tenant = tenant_by_host(HOST)
        assert tenant is not None
        judge = Judge(tenant, provider=self._provider, finance=self._finance, inbox=INBOX)
        return {case.key: judge.complaints(case) for case in cases}

    def _make_database(self) -> None:
        databases.copy(databases.ensure_template(), self._database)

    def _load_everything(self) -> None:
        """Live through a ride before the first fork, so that no child has to import anything; then let go of everything."""
        configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
        Rider(self._token, self._case("confirmed"), Probe()).book()
        drain()
        connections.close_all()
        sender = vars(outbox._local).pop("sender", None)
        if sender is not None:
            sender.close()

    def _furnish(self) -> str:
        """Unicorns that nobody has to report, a company without a quota, an endpoint; the rider's token."""
        with enter_public():
            Tier.objects.update(requests_per_minute=10_000_000, max_backlog=1_000_000)
            place = Place(*PICKUP)
            for number in range(UNICORNS):
                unicorn = Unicorn.objects.create(
                    operator_ref=new_key(), name=f"Nimbus {number}", capacity=4, status="available"
                )
                UnicornPosition.objects.create(
                    unicorn=unicorn,
                    latitude=place.latitude,
                    longitude=place.longitude,
                    cell=cell_of(place),
                    reported_at=utcnow().replace(year=utcnow().year + 1),
                )
        tenant = tenant_by_host(HOST)
        assert tenant is not None
        with enter_tenant(tenant), transaction.atomic():
            set_endpoint(url=f"{self._finance.url}/hooks/{INBOX}")
        return str(AccessToken.of(User(email="ada@acme.example", name="Ada", role="administrator"), tenant))


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a sweep showed: the points by ride, all blows there are, those that were dealt, complaints by the case's key."""

    points: dict[str, list[Point]]
    possible: int
    struck: list[Blow]
    complaints: dict[str, list[str]]
    seconds: float

    @property
    def wrong(self) -> list[Blow]:
        """Those that did not end right."""
        return [blow for blow in self.struck if self.complaints[blow.case.key]]


def sweep_all(*, sample: int, seed: int, jobs: int, ride: str = "", point: int = 0) -> Result:
    """Sweep everything, or one ride or point of it, or a sample that the seed draws."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as data:
        provider, finance = (Simulator(name, Path(data)) for name in ("payments", "finance"))
        try:
            with Sweep(provider=provider, finance=finance, jobs=jobs) as sweep:
                points = {name: sweep.record(name) for name in RIDES if ride in ("", name)}
                found = [(name, one) for name, listed in points.items() for one in listed if point in (0, one.number)]
                every = [(name, one, fate) for name, one in found for fate in Fate]
                struck = sweep.strike(random.Random(seed).sample(every, sample) if sample else every)
                complaints = sweep.heal(struck)
        finally:
            provider.end()
            finance.end()
    return Result(
        points=points,
        possible=len(every),
        struck=struck,
        complaints=complaints,
        seconds=time.monotonic() - began,
    )


def _insist(ended: Ended) -> Any:
    if ended.status != 0:
        raise SystemExit(f"A child that should have lived ended with {ended.status}:\n{ended.said}")
    return ended.said
