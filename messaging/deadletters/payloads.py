"""An edited payload: hostile text read strictly, and held against the shape that its handler expects."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from messaging.deadletters.errors import BadPayload
from messaging.messages import Payload, from_payload, to_payload
from wildrydes.kernel import strict_json


def read_payload(given: str | bytes | Mapping[str, Any], shape: type[Payload]) -> dict[str, Any]:
    """The payload as the journal keeps it.

    `given` is JSON text, or what was read from it. Names that the shape does not have are refused: they would be lost unseen.

    Raises:
        BadPayload: it is not JSON as we take it, or does not fit `shape`; `errors` says where.
    """
    value = _loads(given)
    if not isinstance(value, dict):
        raise BadPayload("A payload is a JSON object.")
    try:
        payload = to_payload(from_payload(value, shape))
    except msgspec.ValidationError as error:
        raise BadPayload(f"The payload does not fit {shape.__name__}: {str(error)[:300]}.") from error
    except RecursionError as error:
        raise BadPayload("The payload nests too deeply.") from error
    unknown = list(_unknown(value, payload, ""))
    if unknown:
        errors = [{"pointer": pointer, "detail": f"{shape.__name__} has no such field."} for pointer in unknown[:20]]
        raise BadPayload(f"{shape.__name__} has no field {', '.join(unknown[:5])[:200]}.", errors=errors)
    return payload


def _loads(given: str | bytes | Mapping[str, Any]) -> Any:
    try:
        text = json.dumps(given) if isinstance(given, Mapping) else given
        return strict_json.loads(text.encode() if isinstance(text, str) else text)
    except strict_json.MalformedJSON as error:
        errors = [{"pointer": error.pointer, "detail": error.detail}] if error.pointer else []
        raise BadPayload(error.detail, errors=errors) from error
    except UnicodeEncodeError as error:
        raise BadPayload("The text holds half of a surrogate pair.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise BadPayload("The payload cannot be written as JSON.") from error


def _unknown(given: Any, kept: Any, pointer: str) -> Iterator[str]:
    """Pointers to what was given and is not kept."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            where = strict_json.pointer_to(pointer, name)
            if name in kept:
                yield from _unknown(value, kept[name], where)
            else:
                yield where
    elif isinstance(given, list) and isinstance(kept, list):
        for index, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from _unknown(one, other, strict_json.pointer_to(pointer, index))


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the payload's own fields that differ; never their values."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
