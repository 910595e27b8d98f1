"""The verdict: a page for people, a file for machines, and the last line."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chaos.judging import CRIMES, Judgement
from chaos.promises import Story
from chaos.recovery import Recovery, percentile
from chaos.schedule import Kind

FINDINGS_SHOWN = 20
TOLD = (
    "promised",
    "ended",
    "confirmed",
    "cancelled",
    "declined",
    "failed",
    "on_credit",
    "lost",
    "charged_twice",
    "money_mismatch",
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a run has shown."""

    seed: int
    story: Story
    judgement: Judgement
    recovery: Recovery

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, the product came back after every kill, and the harness itself did its work."""
        return self.judgement.passed and not self.recovery.unrecovered and not self.story.harness_errors

    @property
    def last_line(self) -> str:
        """The verdict in one line."""
        counts = self.judgement.counts
        crimes = [crime for crime in CRIMES if crime not in TOLD]
        figures = [
            f"kills={len(self.story.blows)}",
            *(f"{name}={counts[name]}" for name in (*TOLD, *crimes)),
            f"confirmed_share={self.judgement.confirmed_share:.2%}",
            f"recovery_p50={percentile(self.recovery.next_confirmed, 0.5):.1f}s",
            f"recovery_p99={percentile(self.recovery.next_confirmed, 0.99):.1f}s",
            f"open_p50={percentile(self.recovery.open_ended, 0.5):.1f}s",
            f"open_p99={percentile(self.recovery.open_ended, 0.99):.1f}s",
        ]
        return f"chaos: {'PASS' if self.passed else 'FAIL'} seed={self.seed} {' '.join(figures)}"

    def lines(self) -> list[str]:
        """For people, the verdict last."""
        counts, story = self.judgement.counts, self.story
        kinds = Counter(blow.kind for blow in story.blows)
        rides = self.recovery.rides
        problems = [
            *self.judgement.findings,
            *(f"unrecovered: no ride was confirmed after kill {number}" for number in self.recovery.unrecovered),
            *(f"harness: {why}" for why in story.harness_errors),
        ]
        shown = problems[:FINDINGS_SHOWN]
        more = [f"… and {len(problems) - len(shown)} more in the report"] if len(problems) > len(shown) else []
        return [
            *(f"{count:6}  {Kind[kind].value}" for kind, count in sorted(kinds.items())),
            f"{counts['repeated']:6}  requests sent again under their key and answered",
            f"{counts['cancellations']:6}  cancellations promised, {counts['webhooks']} webhooks received",
            f"        answers by status: {', '.join(f'{status}: {count}' for status, count in story.statuses.items())}",
            f"        failed because of: {dict(self.judgement.reasons) or 'nothing'}",
            f"        from 202 to the ride's end: p50 {percentile(rides, 0.5):.1f} s, p99 {percentile(rides, 0.99):.1f} s",
            f"        processes started again after the manager gave them up: {story.given_up_restarts}",
            *shown,
            *more,
            self.last_line,
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "verdict": "PASS" if self.passed else "FAIL",
            "seed": self.seed,
            "kills": len(self.story.blows),
            "kills_by_kind": Counter(blow.kind for blow in self.story.blows),
            "missed_blows": self.story.missed_blows,
            "counts": {name: self.judgement.counts[name] for name in sorted({*self.judgement.counts, *TOLD, *CRIMES})},
            "confirmed_share": self.judgement.confirmed_share,
            "failure_reasons": self.judgement.reasons,
            "statuses": self.story.statuses,
            "given_up_restarts": self.story.given_up_restarts,
            "seconds": {
                name: {
                    "p50": percentile(values, 0.5),
                    "p90": percentile(values, 0.9),
                    "p99": percentile(values, 0.99),
                    "max": percentile(values, 1),
                    "count": len(values),
                }
                for name, values in (
                    ("kill to next confirmed ride", self.recovery.next_confirmed),
                    ("kill to end of rides open at it", self.recovery.open_ended),
                    ("202 to end of ride", self.recovery.rides),
                )
            },
            "unrecovered_kills": self.recovery.unrecovered,
            "findings": self.judgement.findings,
            "harness_errors": self.story.harness_errors,
            "last_line": self.last_line,
        }
