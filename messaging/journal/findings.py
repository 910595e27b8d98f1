"""What verification can find, and how it is told."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

# Findings beyond these are counted, so that a journal that is wrong throughout needs no more memory than a sound one.
MOST_FINDINGS = 200


class Kind(StrEnum):
    """Kinds of findings. The first group means that something was changed, the second that it cannot be told."""

    EDITED = "message edited"
    DELETED = "message deleted"
    INSERTED = "message inserted afterwards"
    MOVED = "message moved"
    SEGMENT_EDITED = "segment edited"
    SEGMENT_MISSING = "segment missing"
    CHAIN_BROKEN = "chain broken"
    REWRITTEN = "chain rewritten"
    TWO_HISTORIES = "two histories"
    TRUNCATED = "journal truncated"
    CHAIN_MISSING = "journal missing"
    PURGE_UNRECORDED = "purge not recorded"
    SET_BACK = "positions set back"
    UNGUARDED = "triggers missing"

    HEADS_MISSING = "heads missing"
    HEADS_UNREADABLE = "heads unreadable"
    UNREADABLE = "journal unreadable"
    UNSEALED = "not sealed"

    @property
    def is_broken(self) -> bool:
        """Whether this shows a change, and not only that a proof is missing."""
        return self not in (Kind.HEADS_MISSING, Kind.HEADS_UNREADABLE, Kind.UNREADABLE, Kind.UNSEALED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    kind: Kind
    text: str
    segment: int | None = None
    message_id: UUID | None = None


@dataclass(kw_only=True)
class ChainReport:
    """What was found in one journal."""

    chain_id: UUID
    schema_name: str
    segments: int = 0
    purged_segments: int = 0
    messages: int = 0
    unsealed: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    more_broken: bool = False
    notes: list[str] = field(default_factory=list)

    def add(self, found: Finding) -> None:
        """Note a finding, or count it when there are too many."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(found)
        else:
            self.more += 1
            self.more_broken |= found.kind.is_broken

    def tell_moves_from_insertions(self) -> None:
        """A message that turned up elsewhere was moved; do not tell it as inserted there as well."""
        moved = {found.message_id for found in self.findings if found.kind is Kind.MOVED}
        self.findings = [
            found for found in self.findings if not (found.kind is Kind.INSERTED and found.message_id in moved)
        ]

    @property
    def is_broken(self) -> bool:
        """Whether something was changed."""
        return self.more_broken or any(found.kind.is_broken for found in self.findings)


class Verdict(StrEnum):
    """The whole in a word, with the command's exit status."""

    WHOLE = "whole"
    BROKEN = "broken"
    UNPROVEN = "unproven"

    @property
    def exit_status(self) -> int:
        """0, 1 or 2."""
        return list(Verdict).index(self)


@dataclass(kw_only=True)
class Report:
    """All journals together; `findings` are those that belong to no single one."""

    chains: list[ChainReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """Broken outweighs unproven."""
        everything = [*self.findings, *(found for chain in self.chains for found in chain.findings)]
        if any(chain.is_broken for chain in self.chains) or any(found.kind.is_broken for found in everything):
            return Verdict.BROKEN
        return Verdict.UNPROVEN if everything else Verdict.WHOLE
