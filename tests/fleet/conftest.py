"""Unicorns where no other test's are: each test has a place on Earth of its own."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from fleet.domain import Point, cell_of
from fleet.models import Unicorn, UnicornPosition
from fleet.principal import Speaker
from fleet.services import issue_credential, speaker_with
from fleet.tokens import issue_token


@pytest.fixture
def city() -> Point:
    return Point(random.uniform(-60, 60), random.uniform(-170, 170))


AddUnicorn = Callable[..., Unicorn]


@pytest.fixture
def add_unicorn(city: Point) -> AddUnicorn:
    """Adds a unicorn so many kilometres north and east of the city's centre."""

    def add(
        north_km: float = 0.0,
        east_km: float = 0.0,
        *,
        capacity: int = 4,
        status: str = "available",
        seen_ago: timedelta = timedelta(0),
        **fields: Any,
    ) -> Unicorn:
        unicorn = Unicorn.objects.create(
            operator_ref=uuid.uuid4(), name="Luna", capacity=capacity, status=status, **fields
        )
        place = Point(city.latitude + north_km / 111.2, city.longitude + east_km / 111.2)
        UnicornPosition.objects.create(
            unicorn=unicorn,
            latitude=place.latitude,
            longitude=place.longitude,
            cell=cell_of(place),
            reported_at=Now() - seen_ago,
        )
        return unicorn

    return add


@pytest.fixture
def speaker(db) -> Speaker:
    """The operator that all unicorns of these tests belong to."""
    issued = issue_credential(operator="house")
    return speaker_with(credential_id=issued.credential_id, secret=issued.secret)


@pytest.fixture
def fleet_client() -> Callable[[Speaker], Client]:
    """A client of the fleet's API on the public host."""

    def client(speaker: Speaker) -> Client:
        return Client(headers={"host": "localhost", "authorization": f"Bearer {issue_token(speaker)}"})

    return client
