"""Settings of payments, from the environment."""

from typing import Any

from wildrydes.configuration.numbers import seconds, whole


def payment_settings(env: Any) -> dict[str, Any]:
    """Names and values of the settings; times are in seconds."""
    return {
        "PAYMENT_PROVIDER_URL": env.str("PAYMENT_PROVIDER_URL", default=""),
        # For a whole call, far below MESSAGING_LEASE_SECONDS.
        "PAYMENT_PROVIDER_TIMEOUT_SECONDS": seconds(
            env, "PAYMENT_PROVIDER_TIMEOUT_SECONDS", default=8.0, least=0.1, most=60
        ),
        # So many failures in a row open an account's breaker, for so long.
        "PAYMENT_BREAKER_FAILURES": whole(env, "PAYMENT_BREAKER_FAILURES", default=5, least=1, most=1_000_000_000),
        "PAYMENT_BREAKER_OPEN_SECONDS": seconds(env, "PAYMENT_BREAKER_OPEN_SECONDS", default=10.0, least=0.1, most=600),
        # In one worker process, which has 8 threads: at one account, and at all of them.
        "PAYMENT_CALLS_PER_ACCOUNT": whole(env, "PAYMENT_CALLS_PER_ACCOUNT", default=4, least=1, most=1_000),
        "PAYMENT_CALLS_IN_ALL": whole(env, "PAYMENT_CALLS_IN_ALL", default=6, least=1, most=1_000),
        # Retries of one account: so many per second, and so many per first try on top.
        "PAYMENT_RETRIES_PER_SECOND": env.float("PAYMENT_RETRIES_PER_SECOND", default=5.0),
        "PAYMENT_RETRY_SHARE": env.float("PAYMENT_RETRY_SHARE", default=0.2),
    }
