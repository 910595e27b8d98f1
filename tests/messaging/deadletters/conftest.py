"""Dead letters made the way they come about: by handlers that fail."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from audit.services import Actor
from messaging.consuming import deliver
from messaging.errors import Reject
from messaging.models import DeadLetter, Delivery
from tests.messaging.sample import DoThing, Recorder

ADA = Actor.system("ada")
BOB = Actor.system("bob")


def fail(error: Exception) -> Callable[..., None]:
    def raising(*_: Any) -> None:
        raise error

    return raising


@pytest.fixture
def dead(posted: Callable[..., Delivery], recorder: Recorder) -> Callable[..., DeadLetter]:
    """A message of acme's that its handler rejected; handlers work again afterwards."""

    def die(command: Any = None, error: Exception | None = None) -> DeadLetter:
        recorder.do = fail(error or Reject("never"))
        delivery = posted(command or DoThing(thing_id=uuid.uuid4()))
        assert deliver(delivery.id)
        recorder.do = None
        return DeadLetter.objects.get(id=delivery.id)

    return die


def state_of(letter: DeadLetter) -> str:
    letter.refresh_from_db()
    return letter.state
