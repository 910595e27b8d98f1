"""What a group and a deduplication id are called in the records, whose parts are separated by newlines."""

import hashlib

_LONGEST = 200


def group_name(given: object) -> str:
    """The name of a group as the scripts know it; empty for a message without one.

    Names of messages without a group begin with "~"; very long ones are cut and told apart by a digest.
    """
    name = _in_records(given)
    return f"-{name[1:]}" if name.startswith("~") else name


def dedup_id(given: object) -> str:
    """A deduplication id as it is kept; empty for none. Ids that differ stay different."""
    return _in_records(given)


def _in_records(given: object) -> str:
    if given is None:
        return ""
    text = str(given).encode(errors="replace").decode()
    name = text.replace("\n", " ")
    if len(name) <= _LONGEST and name == text:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"{name[: _LONGEST - 33]}#{digest}"
