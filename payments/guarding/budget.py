"""A budget of retries per account: second tries may be so many per second, and a share of the first ones on top.

A provider that fails half of its calls is not to be asked twice as often for it. Counted in Redis over ten seconds; while Redis
is away there is no budget, and the breaker and back-off do.
"""

import random
from typing import Any

from django.conf import settings

from messaging.errors import PutBack
from payments import metrics
from payments.guarding.redis import shared
from payments.providers.base import Access

_WINDOW_SECONDS = 10
_SCRIPT = """
local firsts, retries = KEYS[1], KEYS[2]
local window, floor, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = tonumber(redis.call('GET', retries) or '0')
local allowed = floor * window + share * tonumber(redis.call('GET', firsts) or '0')
if used >= allowed then return redis.call('PTTL', retries) end
if redis.call('INCR', retries) == 1 then redis.call('EXPIRE', retries, window) end
return 0
"""


class BudgetSpent(PutBack):
    """The account has retried as often as it may for now; nothing was sent."""


def count_first(access: Access) -> None:
    """A first try, which earns a share of a retry."""

    def count(redis: Any) -> None:
        if redis.incr(_name(access, "firsts")) == 1:
            redis.expire(_name(access, "firsts"), _WINDOW_SECONDS)

    shared().ask(count)


def spend_retry(access: Access) -> None:
    """A second try, or a later one.

    Raises:
        BudgetSpent: not now.
    """
    keys = [_name(access, "firsts"), _name(access, "retries")]
    arguments = [_WINDOW_SECONDS, settings.PAYMENT_RETRIES_PER_SECOND, settings.PAYMENT_RETRY_PERCENT / 100]
    wait = shared().ask(lambda redis: redis.eval(_SCRIPT, len(keys), *keys, *arguments))
    if wait:
        metrics.count_held(access.provider, "budget")
        # Spread over the next window: its budget is as small.
        seconds = max(0.0, wait / 1000) + random.uniform(0.0, _WINDOW_SECONDS)  # noqa: S311  # jitter, not a secret
        raise BudgetSpent("The company's retries at its payment provider are spent for the moment.", after=seconds)


def _name(access: Access, what: str) -> str:
    return f"payments:budget:{{{access.label}}}:{what}"
