"""Verification: recompute everything, and hold it against the heads that left the database.

The order of reading makes it safe while the service runs: pointers, then files of heads, then the journals. A head in a file
was committed before, so a segment that a file knows and the journal does not have is gone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection

from messaging.journal import encoding
from messaging.journal.chains import Chain
from messaging.journal.comparing import compare
from messaging.journal.findings import ChainReport, Finding, Kind, Report
from messaging.journal.guards import guards_missing
from messaging.journal.heads import KnownChain, KnownHeads, read
from messaging.journal.rows import StoredSegment, end_after, segment_numbered, segments_after
from messaging.journal.sealing import BEGINNING
from messaging.journal.settling import last_position

_SEGMENTS_AT_A_TIME = 20
# Half a minute is usual; whoever stops the sealing to change what is not sealed yet is noticed.
_SEALED_WITHIN = timedelta(days=1)
_JOURNALS = """
    SELECT t.id, t.schema_name FROM registry_tenant t
     WHERE EXISTS (SELECT FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace
                    WHERE n.nspname = t.schema_name AND k.relname = 'journal_message')
     ORDER BY t.schema_name
"""

Progress = Callable[[ChainReport], None]


def verify(paths: Iterable[Path], *, schemas: Collection[str] = (), progress: Progress) -> Report:
    """Verify the journals (of these schemas; of all when none is named) against the files of heads.

    `progress` is called after every segment, and at each journal's end.
    """
    report = Report()
    pointers = {chain.schema_name: chain for chain in Chain.objects.all()}
    known = _read_heads(paths, report)
    journals = _journals(pointers)
    for schema, chain_id in journals.items():
        if not schemas or schema in schemas:
            found = ChainReport(chain_id=chain_id, schema_name=schema)
            report.chains.append(found)
            _verify_readable(found, pointers.get(schema), known, progress)
    if known is not None and not schemas:
        there = set(journals.values())
        report.findings += [
            _gone(chain_id, chain) for chain_id, chain in known.chains.items() if chain.hashes and chain_id not in there
        ]
    return report


def _read_heads(paths: Iterable[Path], report: Report) -> KnownHeads | None:
    try:
        known = read(paths, environment=settings.ENVIRONMENT)
    except OSError as error:
        report.findings.append(Finding(kind=Kind.HEADS_UNREADABLE, text=f"{error.filename}: {error.strerror}."))
        return None
    report.findings += [
        Finding(kind=Kind.HEADS_UNREADABLE, text=f"{place} is no head.") for place in known.unreadable[:20]
    ]
    return known


def _journals(pointers: Mapping[str, Chain]) -> dict[str, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_JOURNALS)
        tenants = {schema: chain_id for chain_id, schema in cursor.fetchall()}
    platform = pointers.get("public")
    return {"public": platform.id if platform else encoding.NO_ID, **tenants}


def _gone(chain_id: UUID, chain: KnownChain) -> Finding:
    text = (
        f"{chain.schema_name} had {chain.last} segments in database {chain.database} and is not here."
        f" If its tenant was deleted: manage.py accept_journal --chain {chain_id}"
    )
    return Finding(kind=Kind.CHAIN_MISSING, text=text)


def _verify_readable(report: ChainReport, pointer: Chain | None, known: KnownHeads | None, progress: Progress) -> None:
    heads = None if known is None else known.chains.get(report.chain_id, KnownChain())
    try:
        _verify_chain(report, pointer, heads, progress)
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        report.add(Finding(kind=Kind.UNREADABLE, text=f"{report.schema_name}: {reason}"))
    report.tell_moves_from_insertions()
    progress(report)


def _verify_chain(report: ChainReport, pointer: Chain | None, heads: KnownChain | None, progress: Progress) -> None:
    missing = guards_missing(report.schema_name)
    if missing:
        report.add(Finding(kind=Kind.UNGUARDED, text=f"Missing or switched off: {', '.join(missing)}."))
    last: StoredSegment | None = None
    for segment in _all_segments(report.schema_name):
        for found in _link(report.chain_id, last, segment):
            report.add(found)
        for found in _against_heads(segment, heads):
            report.add(found)
        for found in _content(report.schema_name, segment):
            report.add(found)
        report.segments += 1
        report.purged_segments += segment.purged
        report.messages += 0 if segment.purged else segment.header.count
        last = segment
        progress(report)
    _verify_end(report, last, pointer, heads)


def _all_segments(schema: str) -> Iterator[StoredSegment]:
    number = -1  # a number that never was would be told as a segment too many
    while segments := segments_after(schema, number, limit=_SEGMENTS_AT_A_TIME):
        yield from segments
        number = segments[-1].number


def _link(chain_id: UUID, last: StoredSegment | None, segment: StoredSegment) -> Iterator[Finding]:
    """The segment by itself, and as the successor of the last."""
    number, expected = segment.number, (last.number if last else 0) + 1
    if segment.header.encoding != encoding.VERSION:
        yield Finding(
            kind=Kind.UNREADABLE,
            segment=number,
            text=f"Encoding {segment.header.encoding} is not known to this version.",
        )
    elif encoding.segment_hash(chain_id, segment.header) != segment.hash:
        yield Finding(kind=Kind.SEGMENT_EDITED, segment=number, text="Its fields do not give its hash.")
    if number != expected:
        gone = f"segment {expected}" if number == expected + 1 else f"segments {expected} to {number - 1}"
        yield Finding(kind=Kind.SEGMENT_MISSING, segment=expected, text=f"Before segment {number}: {gone}.")
        return
    named = last.hash if last else encoding.genesis_hash(chain_id)
    if segment.header.previous_hash != named:
        before = f"segment {last.number}" if last else "the chain's beginning"
        yield Finding(kind=Kind.CHAIN_BROKEN, segment=number, text=f"It names another hash than that of {before}.")
    if segment.header.after != (last.header.upto if last else BEGINNING):
        yield Finding(kind=Kind.CHAIN_BROKEN, segment=number, text="It does not begin where the one before it ends.")


def _against_heads(segment: StoredSegment, heads: KnownChain | None) -> Iterator[Finding]:
    if heads is None:
        return
    number = segment.number
    written = sorted(heads.hashes.get(number, set()))
    if written and segment.hash.hex() not in written:
        yield Finding(
            kind=Kind.REWRITTEN,
            segment=number,
            text=f"Its hash is {segment.hash.hex()}; outside stands {', '.join(written)}.",
        )
    elif len(written) > 1:
        yield Finding(
            kind=Kind.TWO_HISTORIES, segment=number, text=f"Outside stand {len(written)} hashes: {', '.join(written)}."
        )
    if segment.purged and (number, segment.hash.hex()) not in heads.purged:
        yield Finding(
            kind=Kind.PURGE_UNRECORDED,
            segment=number,
            text="Retention writes each purge to the heads' file; this one is not.",
        )


def _content(schema: str, segment: StoredSegment) -> list[Finding]:
    found = compare(schema, segment)
    if found and not segment.purged:
        # Retention may have been here between the two reads.
        again = segment_numbered(schema, segment.number)
        if again is not None and again.purged:
            return compare(schema, again)
    return found


def _verify_end(
    report: ChainReport, last: StoredSegment | None, pointer: Chain | None, heads: KnownChain | None
) -> None:
    number, end = (last.number, last.header.upto) if last else (0, BEGINNING)
    report.unsealed, waits_long = end_after(report.schema_name, end, age=_SEALED_WITHIN)
    if waits_long:
        text = f"Of {report.unsealed} messages that are not sealed some are older than a day: does the job journal.seal run?"
        report.add(Finding(kind=Kind.UNSEALED, text=text))
    if last_position(report.schema_name) < end.position:
        text = f"The sequence stands at {last_position(report.schema_name)}, and up to {end.position} is sealed."
        report.add(Finding(kind=Kind.SET_BACK, text=text))
    known = 0 if heads is None else heads.last
    if known > number or (pointer and pointer.sealed_number > number):
        most = max(known, pointer.sealed_number if pointer else 0)
        witness = "heads' file knows" if known > number else "pointer in public knows"
        text = f"It ends with segment {number}; the {witness} {most}. This database is older, or its end was cut off."
        report.add(Finding(kind=Kind.TRUNCATED, segment=number + 1, text=text))
    if heads is not None and pointer and pointer.exported_number > known:
        text = (
            f"The heads of segments {known + 1} to {pointer.exported_number} were written and are in none of the files."
            " Give those of all machines with --heads."
        )
        report.add(Finding(kind=Kind.HEADS_MISSING, segment=known + 1, text=text))
    if heads and heads.given_up:
        numbers = sorted(number for number, _ in heads.given_up)
        reasons = "; ".join(sorted(set(heads.given_up.values())))
        report.notes.append(f"{len(numbers)} heads from segment {numbers[0]} on were given up: {reasons}")
