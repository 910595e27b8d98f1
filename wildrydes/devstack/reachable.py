"""Whether servers that are not ours answer, asked before seven processes each say at length that they do not."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis

from wildrydes.devstack.errors import StackError

ANSWER_SECONDS = 3


class UnreachableServer(StackError):
    """DATABASE_URL or REDIS_URL leads nowhere."""


def check_servers(environment: Mapping[str, str]) -> None:
    """Ask those that DATABASE_URL and REDIS_URL name, if they are set.

    Raises:
        UnreachableServer: with what to do.
    """
    if environment.get("DATABASE_URL"):
        check_database(environment["DATABASE_URL"])
    if environment.get("REDIS_URL"):
        check_broker(environment["REDIS_URL"])


def check_database(url: str) -> None:
    """Connect once.

    Raises:
        UnreachableServer: with what to do.
    """
    try:
        psycopg.connect(url, connect_timeout=ANSWER_SECONDS).close()
    except psycopg.Error as error:
        raise UnreachableServer(_advice("PostgreSQL", "DATABASE_URL", error)) from error


def check_broker(url: str) -> None:
    """Ping once; `url` is as Celery writes it.

    Raises:
        UnreachableServer: with what to do.
    """
    try:
        client = redis.Redis.from_url(
            _client_url(url), socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        client.ping()
        client.close()
    except (redis.RedisError, ValueError) as error:
        raise UnreachableServer(_advice("Redis", "REDIS_URL", error)) from error


def _client_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "redis+socket":
        return url
    return f"unix://{parts.path}?db={parse_qs(parts.query).get('virtual_host', ['0'])[0].strip('/') or '0'}"


def _advice(server: str, variable: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    remedy = f"start it, correct {variable}, or unset it for the embedded server"
    return f"{server} does not answer at the {variable} that is set ({reason}): {remedy}."
