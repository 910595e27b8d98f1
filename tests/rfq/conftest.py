"""Requests for quotes in a city of the test's own, with unicorns that answer as they are told."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client

from fleet.domain import Point
from fleet.models import Unicorn
from fleet.principal import Speaker
from fleet.services import issue_credential, speaker_with
from fleet.tokens import issue_token
from rfq import services
from rfq.asking import open_requests_for
from rfq.models import Rfq
from tests.bookings.conftest import ledger, payment_simulator  # noqa: F401  # fixtures
from tests.fleet.conftest import add_unicorn, city  # noqa: F401  # fixtures
from wildrydes.kernel.ids import new_id


@pytest.fixture
def speaker(tenant: Any) -> Speaker:
    """The house's operator, whose all these unicorns are."""
    issued = issue_credential(operator="house")
    return speaker_with(credential_id=issued.credential_id, secret=issued.secret)


@pytest.fixture
def fleet_client() -> Callable[[Speaker], Client]:
    """A client of the fleet's API."""
    return lambda who: Client(headers={"host": "localhost", "authorization": f"Bearer {issue_token(who)}"})


@pytest.fixture
def request_quotes(city: Point) -> Callable[..., Rfq]:  # noqa: F811
    """Asks for quotes in the city, as the API does; to be used inside a tenant's schema."""

    def ask(*, user_id: UUID | None = None, **wishes: Any) -> Rfq:
        wanted = {"pickup": city, "dropoff": Point(city.latitude + 5 / 111.2, city.longitude), "passengers": 2}
        with transaction.atomic():
            rfq, _ = services.request_quotes(
                user_id=user_id or uuid4(),
                wanted=services.QuotesWanted(**{**wanted, **wishes}),
                correlation_id=new_id(),
            )
        return rfq

    return ask


@pytest.fixture
def asked_of(speaker: Speaker) -> Callable[[Unicorn], dict[str, Any]]:
    """The one open request that a unicorn was asked, as it reads it."""

    def find(unicorn: Unicorn) -> dict[str, Any]:
        (found,) = [one for one in open_requests_for(speaker) if one["unicorn"] == str(unicorn.operator_ref)]
        return found

    return find


def offering(asked: dict[str, Any], price: int = 1_000, eta: int = 120, **more: Any) -> services.Answer:
    """An offer to what was asked."""
    made = services.OfferMade(**{"price_minor": price, "currency": asked["currency"], "eta_seconds": eta, **more})
    return services.Answer(reply_to=asked["reply_to"], correlation_id=UUID(asked["correlation_id"]), offer=made)


def declining(asked: dict[str, Any]) -> services.Answer:
    """A no to what was asked."""
    return services.Answer(reply_to=asked["reply_to"], correlation_id=UUID(asked["correlation_id"]))


@pytest.fixture
def offer(speaker: Speaker, asked_of: Any) -> Callable[..., services.Receipt]:
    """Has a unicorn make an offer to the request that it was asked."""

    def make(unicorn: Unicorn, price: int = 1_000, eta: int = 120, **more: Any) -> services.Receipt:
        return services.take_answer(speaker=speaker, answer=offering(asked_of(unicorn), price, eta, **more))

    return make


@pytest.fixture
def decline(speaker: Speaker, asked_of: Any) -> Callable[[Unicorn], services.Receipt]:
    """Has a unicorn decline."""
    return lambda unicorn: services.take_answer(speaker=speaker, answer=declining(asked_of(unicorn)))
