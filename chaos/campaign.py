"""A run from the first quiet ride to the gathered evidence, on a stack that is up."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
import urllib3

from chaos.client import Company, GaveUp
from chaos.evidence import Evidence, Witnesses, inbox_of
from chaos.options import Options
from chaos.promises import tell
from chaos.quiet import learn_prices
from chaos.record import Record, read_record
from chaos.schedule import Kind, Strike, draw
from chaos.striking import Striker
from chaos.traffic import Traffic
from wildrydes.devstack import Stack, StackError, State
from wildrydes.devstack.logins import Logins
from wildrydes.embedded import EmbeddedError

PROGRESS_SECONDS = 10.0
# Bookings go on for a moment after the last kill, so that its recovery is seen.
TAIL_SECONDS = 5.0
HEAL_SECONDS = 120.0
# Reading every page of every list takes a while, at a basic tenant's quota.
GATHER_SECONDS = 300.0
LOOK_SECONDS = 2.0

Say = Callable[[str], None]
IsConvincing = Callable[[Evidence], bool]


class HarnessFailed(Exception):
    """The run says nothing about the product: what failed is the harness or the stack's own start."""


@dataclass(kw_only=True)
class Campaign:
    """One run.

    Attributes:
        stack: healthy, with the demonstration tenants.
        options: what is asked for.
        record: new.
        processes: the names of the stack's processes.
        say: takes lines for people.
        kinds: the blows to choose from.
    """

    stack: Stack
    options: Options
    record: Record
    processes: Sequence[str]
    say: Say
    kinds: Sequence[Kind] = tuple(Kind)
    struck: Counter[str] = field(default_factory=Counter)
    _patient_until: float = float("inf")

    def run(self, is_convincing: IsConvincing) -> Evidence:
        """Book, strike, heal, wait at most `settle_seconds`; answers what is found then.

        Args:
            is_convincing: whether the evidence is fine, so that there is no need to wait any longer.

        Raises:
            HarnessFailed: it did not come to a judgement.
        """
        logins = Logins.read(self.stack.layout.demo).tenants
        self._companies = [Company(self.stack.base_url, login) for login in logins]
        self._witnesses = Witnesses(self.stack, self._companies, until=lambda: time.monotonic() > self._patient_until)
        self._striker = Striker(self.stack, processes=self.processes, lease_seconds=self.options.lease_seconds)
        self.record.note("start", seed=self.options.seed, kills=self.options.kills, faults=self.options.faults)
        self._witnesses.remember()
        for company in self._companies:
            self._listen(company)
        learn_prices(self._companies, self.record, payments_port=self.stack.ports.payments)
        if self.options.faults:
            self._turn_dials()
        traffic = Traffic(self._companies, self.record, seed=self.options.seed, rate=self.options.rate)
        traffic.start()
        try:
            self._strike_all()
            time.sleep(TAIL_SECONDS)
        finally:
            traffic.stop()
            self._heal()
        return self._gather(traffic, is_convincing)

    def _listen(self, company: Company) -> None:
        url = f"http://127.0.0.1:{self.stack.ports.finance}/hooks/{inbox_of(company)}"
        answer = company.insist("PUT", "/api/v1/webhook", {"url": url})
        if answer.status not in {200, 201}:
            raise HarnessFailed(f"{company.slug}'s webhook could not be set: {answer.status} {answer.body}")

    def _turn_dials(self) -> None:
        """A quarter of the misbehaviour each: errors before and after the deed, silence before and after it."""
        share = self.options.faults / 4
        rates = ("error_rate", "error_after_rate", "timeout_before_rate", "timeout_after_rate")
        dials = {**dict.fromkeys(rates, share), "jitter_ms": 500, "seed": self.options.seed}
        address = f"http://127.0.0.1:{self.stack.ports.payments}/dials"
        answer = urllib3.request("PUT", address, json=dials, retries=False, timeout=10)
        if answer.status != 200:
            raise HarnessFailed(f"The payment simulator refused its dials: {answer.status}")

    def _strike_all(self) -> None:
        last_progress = time.monotonic()
        strikes = draw(self.options.seed, mean_pause=self.options.pause, kinds=self.kinds)
        while self.struck.total() < self.options.kills:
            strike = next(strikes)
            wake = time.monotonic() + strike.pause
            while time.monotonic() < wake:
                time.sleep(min(0.25, max(0.0, wake - time.monotonic())))
                for name in self._striker.restart_given_up():
                    self.record.note("started again", process=name)
                if time.monotonic() - last_progress > PROGRESS_SECONDS:
                    last_progress = time.monotonic()
                    self.say(self._progress())
            self._deal(strike)

    def _deal(self, strike: Strike) -> None:
        began = time.time()
        hit = self._striker.strike(strike)
        facts = {"number": strike.number, "kind": strike.kind.name, "hit": hit, "at": began}
        self.record.note("strike", companies=self._concerned(hit or ""), **facts)
        if hit is None:
            self.say(f"  {strike.kind}: there was nothing to hit")
            return
        self.struck[strike.kind.part] += 1
        self.say(f"  {self.struck.total():4}/{self.options.kills} {strike.kind}: {hit}")

    def _concerned(self, hit: str) -> list[str]:
        """Whose rides a blow could delay: a tier's worker serves that tier's companies, the rest serves all."""
        if not hit.startswith("worker"):
            return [company.slug for company in self._companies]
        return [company.slug for company in self._companies if hit.startswith(f"worker-{company.tier}")]

    def _progress(self) -> str:
        story = tell(read_record(self.record.path))
        made = sum(promise.was_made for promise in story.promises.values())
        ill = [
            f"{name} {state}" for name in self.processes if (state := self.stack.process(name).state) != State.HEALTHY
        ]
        return (
            f"chaos: {self.struck.total()}/{self.options.kills} kills, {made} promised, {self._still_open()} of them open, "
            f"{len(story.promises) - made} asked for; {', '.join(ill) or 'all healthy'}"
        )

    def _still_open(self) -> str:
        """As far as the API says at this moment; nobody waits for its answer."""
        total = 0
        for company, status in itertools.product(self._companies, ("accepted", "running")):
            answer = company.ask("GET", f"/api/v1/operations?limit=100&status={status}")
            if answer.status != 200:
                return "?"
            total += len(answer.body["items"])
        return str(total)

    def _heal(self) -> None:
        """Everything up again."""
        self.say("chaos: healing")
        self._striker.mend()
        self._striker.restart_given_up()
        try:
            self.stack.heal(HEAL_SECONDS)
        except (StackError, EmbeddedError) as error:
            raise HarnessFailed(f"The stack does not heal: {error}") from error
        self.record.note("healed", mend_problems=self._striker.problems)

    def _gather(self, traffic: Traffic, is_convincing: IsConvincing) -> Evidence:
        healed = time.monotonic()
        deadline = healed + self.options.settle_seconds
        self.say(f"chaos: all is up; at most {self.options.settle_seconds:.0f} s for every promise to end")
        traffic.finish(seconds=self.options.settle_seconds)
        self._patient_until = deadline + GATHER_SECONDS
        try:
            while True:
                is_over = time.monotonic() > deadline
                if is_over or (self._witnesses.open_operations() == 0 and self._witnesses.waiting() == 0):
                    evidence = self._witnesses.all()
                    if is_over or is_convincing(evidence):
                        break
                time.sleep(LOOK_SECONDS)
        except (GaveUp, psycopg.Error, urllib3.exceptions.HTTPError) as error:
            raise HarnessFailed(f"The evidence could not be gathered: {error}") from error
        self.say(f"chaos: judging {time.monotonic() - healed:.0f} s after healing")
        statuses = sum((company.statuses for company in self._companies), Counter())
        self.record.note("statuses", statuses={str(status or "none"): n for status, n in sorted(statuses.items())})
        return evidence
