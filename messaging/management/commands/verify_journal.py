"""`manage.py verify_journal`: is everything in the journals as it was written?"""

import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from messaging.journal.exporting import heads_file
from messaging.journal.findings import ChainReport, Finding, Report, Verdict
from messaging.journal.verifying import verify
from messaging.management.journals import schemas_of

_SAYS = {
    Verdict.WHOLE: "WHOLE: nothing was changed.",
    Verdict.BROKEN: "BROKEN: see docs/runbooks/journal.md.",
    Verdict.UNPROVEN: "UNPROVEN: nothing is known to be changed, and not all of it could be verified.",
}


class Command(BaseCommand):
    """Exit status: 0 whole, 1 broken, 2 could not be verified."""

    help = "Recompute the journals' hash chains and hold them against the heads outside the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--tenant", action="append", default=[], metavar="SLUG", help="Only this one (or `public`); repeatable."
        )
        parser.add_argument(
            "--heads",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="A file of heads, best a copy from where nobody can change it; repeatable. Default: JOURNAL_HEADS_FILE.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and tell."""
        started = monotonic()
        progress = _Progress(self.stderr, started)
        try:
            schemas = schemas_of(options["tenant"])
            report = verify(options["heads"] or [heads_file()], schemas=schemas, progress=progress)
        except (DatabaseError, InterfaceError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database cannot be read: {reason}", returncode=2) from error
        progress.end()
        seconds = monotonic() - started
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, seconds), indent=2))
        else:
            self._print(report, seconds)
        if report.verdict is not Verdict.WHOLE:
            raise CommandError(_SAYS[report.verdict], returncode=report.verdict.exit_status)

    def _print(self, report: Report, seconds: float) -> None:
        for chain in report.chains:
            mark = "✗" if chain.is_broken else "?" if chain.findings else "✓"
            purged = f", {chain.purged_segments} of them purged" if chain.purged_segments else ""
            self.stdout.write(
                f"{mark} {chain.schema_name}: {chain.messages} messages in {chain.segments} segments{purged};"
                f" {chain.unsealed} not sealed yet"
            )
            for found in chain.findings:
                self.stdout.write(f"    {_line(found)}")
            if chain.more:
                self.stdout.write(f"    … and {chain.more} more")
            for note in chain.notes:
                self.stdout.write(f"    note: {note}")
        for found in report.findings:
            self.stdout.write(f"✗ {_line(found)}" if found.kind.is_broken else f"? {_line(found)}")
        messages = sum(chain.messages for chain in report.chains)
        rate = messages / seconds if seconds else 0.0
        self.stdout.write(f"{messages} messages in {seconds:.1f} s ({rate:.0f} a second)")
        if report.verdict is Verdict.WHOLE:
            self.stdout.write(_SAYS[Verdict.WHOLE])


class _Progress:
    """At most one line a second, on the error stream; one line that is written over, on a terminal."""

    def __init__(self, stream: Any, started: float) -> None:
        self._stream, self._next, self._wrote = stream, started + 1.0, False
        self._terminal = sys.stderr.isatty()

    def __call__(self, chain: ChainReport) -> None:
        now = monotonic()
        if now < self._next:
            return
        self._next, self._wrote = now + 1.0, True
        line = f"… {chain.schema_name}: segment {chain.segments}, {chain.messages} messages"
        self._stream.write(f"\x1b[2K{line}\r" if self._terminal else line, ending="" if self._terminal else "\n")
        self._stream.flush()

    def end(self) -> None:
        if self._wrote and self._terminal:
            self._stream.write("\x1b[2K", ending="")


def _line(found: Finding) -> str:
    message = f" {found.message_id}" if found.message_id else ""
    segment = f" (segment {found.segment})" if found.segment is not None else ""
    return f"{found.kind.value}{message}{segment}: {found.text}"


def _as_json(report: Report, seconds: float) -> dict[str, Any]:
    return {
        "verdict": report.verdict.value,
        "seconds": round(seconds, 3),
        "journals": [
            {
                "schema": chain.schema_name,
                "chain": str(chain.chain_id),
                "messages": chain.messages,
                "segments": chain.segments,
                "purged_segments": chain.purged_segments,
                "unsealed": chain.unsealed,
                "findings": [_finding_as_json(found) for found in chain.findings],
                "more_findings": chain.more,
                "notes": chain.notes,
            }
            for chain in report.chains
        ],
        "findings": [_finding_as_json(found) for found in report.findings],
    }


def _finding_as_json(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "broken": found.kind.is_broken,
        "segment": found.segment,
        "message": str(found.message_id) if found.message_id else None,
        "text": found.text,
    }
