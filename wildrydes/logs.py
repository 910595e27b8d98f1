"""Logging: one line per event, readable in development, JSON on servers. Payloads never reach a logger."""

import re
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

# The last line of defence. Nothing of this is logged on purpose; a path or a library's exception may hold it all the same.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Refresh, invitation and provider tokens can be told by their beginning.
    (re.compile(r"\b(wr(?:in|rt)_)[A-Za-z0-9_-]{20,}"), r"\1…"),
    (re.compile(r"\b(whsec_)[A-Za-z0-9+/=_-]{8,}"), r"\1…"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"), "eyJ…"),
    (re.compile(r"(?i)\b(bearer) (?=\S*\d)[A-Za-z0-9+/=._~-]{16,}"), r"\1 …"),
    # The provider's keys, and what looks like a card's number: 13 to 19 digits that begin as issuers' do.
    (re.compile(r"\b((?:sk|rk)_(?:live|test)_)[A-Za-z0-9]{4,}"), r"\1…"),
    (re.compile(r"(?<![\w.-])[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}(?![\w.-])"), "card …"),
    # People, and the credentials of a server's address.
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~:-]+@(?=[A-Za-z0-9-]+\.)"), "…@"),
    # PostgreSQL repeats the values that it refused.
    (re.compile(r"(DETAIL|CONTEXT):  .*?(?=\\n|\n|$)"), r"\1: …"),
)

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def mask_secrets(logger: Any, method: str, told: Any) -> Any:
    """Cut tokens and people's addresses out of every text of a line, tracebacks included; a processor of structlog."""
    if isinstance(told, str):
        for pattern, instead in _SECRETS:
            told = pattern.sub(instead, told)
        return told
    if isinstance(told, dict):
        return {name: mask_secrets(logger, method, value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [mask_secrets(logger, method, value) for value in told]
    return told


def logging_config(*, as_json: bool, level: str) -> dict[str, Any]:
    """The `dictConfig` for a process; bound context (tenant, correlation id) appears on every line."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks without local variables: those hold payloads and secrets.
    renderer: list[Any] = (
        [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            mask_secrets,
            structlog.processors.JSONRenderer(),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
            mask_secrets,
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},  # one line per message received says nothing
            "celery.beat": {"level": "WARNING"},  # nor does one per tick
            "celery.app.trace": {"level": "WARNING"},
        },
    }
