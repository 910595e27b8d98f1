import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from payments.guarding import redis as guarding_redis
from payments.guarding.redis import Shared
from payments.providers.base import Access


@pytest.fixture
def access(settings: Any, redis_client: Any) -> Access:
    """An account of its own, so that no test meets another's trouble."""
    settings.PAYMENT_BREAKER_FAILURES = 3
    settings.PAYMENT_BREAKER_OPEN_SECONDS = 0.4
    return Access(
        account_id=uuid.uuid4(),
        tenant_id=uuid.uuid4(),
        provider="simulator",
        name="x",
        base_url="http://x",
        timeout=1.0,
    )


@pytest.fixture(params=["redis", "away"])
def with_and_without_redis(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The guards with Redis, and with one that is away."""
    if request.param == "away":
        nobody = Shared("redis://127.0.0.1:9/0")
        for module in ("breaker", "budget"):
            monkeypatch.setattr(f"payments.guarding.{module}.shared", lambda: nobody)
    guarding_redis.shared.cache_clear()
    return request.param
