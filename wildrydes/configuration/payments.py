"""Settings of the guards before payment providers; docs/guides/payment-providers.md says what each is for."""

import environ

from wildrydes.configuration.numbers import seconds, whole


def payment_breaker(env: environ.Env) -> tuple[int, float]:
    """How many failures in a row open an account's breaker, and for how many seconds."""
    failures = whole(env, "PAYMENT_BREAKER_FAILURES", default=5, least=1, most=10**9)
    return failures, seconds(env, "PAYMENT_BREAKER_OPEN_SECONDS", default=10.0, least=0.1, most=600)


def payment_room(env: environ.Env) -> tuple[int, int]:
    """How many calls one worker process has under way: at one account, and at all of them."""
    per_account = whole(env, "PAYMENT_CALLS_PER_ACCOUNT", default=4, least=1, most=1_000)
    return per_account, whole(env, "PAYMENT_CALLS_IN_ALL", default=6, least=1, most=1_000)


def payment_retries(env: environ.Env) -> tuple[int, int]:
    """One account's retries: so many per second, and so many in a hundred first tries on top."""
    per_second = whole(env, "PAYMENT_RETRIES_PER_SECOND", default=5, least=0, most=10**9)
    return per_second, whole(env, "PAYMENT_RETRY_PERCENT", default=20, least=0, most=1_000)
