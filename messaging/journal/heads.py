"""The file of heads: what is known of every chain outside the database.

One JSON object a line, only ever appended to (`chattr +a` may be set on it). A line that was torn by a full disk or a crash is
written again whole by the next try, on a line of its own.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

_FORMAT = 1
_MODE = 0o640


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A segment's hash, on its way out of the database."""

    chain_id: UUID
    schema_name: str
    segment: int
    hash: bytes
    count: int
    sealed_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToPurge:
    """That a segment's messages are about to be deleted by retention."""

    chain_id: UUID
    schema_name: str
    segment: int
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """That a person accepted that the database does not have this segment: after a restored backup, or a deleted tenant."""

    chain_id: UUID
    schema_name: str
    segment: int
    hash: bytes
    reason: str


Entry = Head | ToPurge | GivenUp
_KINDS: dict[type[Entry], str] = {Head: "head", ToPurge: "purge", GivenUp: "given_up"}


@dataclass(kw_only=True)
class KnownChain:
    """What the files say of one chain, hashes in hexadecimal. Two hashes for one segment mean that two histories were written."""

    schema_name: str = ""
    database: str = ""
    hashes: dict[int, set[str]] = field(default_factory=dict)
    purged: set[tuple[int, str]] = field(default_factory=set)
    given_up: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The highest segment whose head is known and not given up; 0 when there is none."""
        return max(self.hashes, default=0)

    def leave_out_given_up(self) -> None:
        """Forget the heads that were given up, in whatever file and order that was written."""
        for number, hashed in self.given_up:
            self.hashes.get(number, set()).discard(hashed)
        self.hashes = {number: hashes for number, hashes in self.hashes.items() if hashes}


@dataclass(kw_only=True)
class KnownHeads:
    """What the files say of one environment's chains; `unreadable` names lines that say nothing."""

    chains: dict[UUID, KnownChain] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def append(path: Path, entries: Sequence[Entry], *, environment: str, database: str) -> None:
    """Write the lines and wait until the disk has them.

    Raises:
        OSError: the file cannot be written; some lines may have been, and may be written again.
    """
    common = {"format": _FORMAT, "environment": environment, "database": database}
    text = "".join(json.dumps({**common, **_facts(entry)}) + "\n" for entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            text = "\n" + text
        _write_all(descriptor, text.encode())
        os.fsync(descriptor)
        if size == 0:
            _sync_directory(path.parent)
    finally:
        os.close(descriptor)


def read(paths: Iterable[Path], *, environment: str) -> KnownHeads:
    """What the files know of this environment's chains, one line at a time.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    known = KnownHeads()
    for path in paths:
        torn: dict[str, str] = {}
        for place, line, ended in _lines(path):
            entry = _parse(line)
            if entry is None:
                # A torn last line is being written, or will be again: the database says which heads have to be there.
                torn |= {place: line} if ended else {}
                continue
            if torn:
                torn = {where: part for where, part in torn.items() if not line.startswith(part)}
            if entry["environment"] == environment:
                _learn(known, entry)
        known.unreadable += torn
    for chain in known.chains.values():
        chain.leave_out_given_up()
    return known


def _facts(entry: Entry) -> Mapping[str, Any]:
    facts: dict[str, Any] = {
        "kind": _KINDS[type(entry)],
        "chain": str(entry.chain_id),
        "schema": entry.schema_name,
        "segment": entry.segment,
        "hash": entry.hash.hex(),
    }
    if isinstance(entry, Head):
        facts |= {"count": entry.count, "sealed_at": entry.sealed_at}
    if isinstance(entry, GivenUp):
        facts["reason"] = entry.reason
    return facts


def _write_all(descriptor: int, raw: bytes) -> None:
    written = os.write(descriptor, raw)
    if written != len(raw):
        raise OSError(f"only {written} of {len(raw)} bytes could be written")


def _sync_directory(directory: Path) -> None:
    # Not every file system lets a directory be synchronised.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lines(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Place, text, and whether the line has its end."""
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            text = raw.decode("utf-8", "replace")
            if text != "\n":
                yield f"{path}:{number}", text.rstrip("\n"), text.endswith("\n")


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        if entry["format"] != _FORMAT or entry["kind"] not in _KINDS.values():
            return None
        entry["chain"] = UUID(entry["chain"])
        entry["segment"] = int(entry["segment"])
        entry["hash"] = bytes.fromhex(entry["hash"]).hex()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {"environment": "", "schema": "", "database": "", "reason": "", **entry}


def _learn(known: KnownHeads, entry: Mapping[str, Any]) -> None:
    chain = known.chains.setdefault(entry["chain"], KnownChain())
    chain.schema_name, chain.database = str(entry["schema"]), str(entry["database"])
    segment, hashed = entry["segment"], entry["hash"]
    if entry["kind"] == "given_up":
        chain.given_up[segment, hashed] = str(entry["reason"])
    elif entry["kind"] == "purge":
        chain.purged.add((segment, hashed))
    else:
        chain.hashes.setdefault(segment, set()).add(hashed)
