"""Redriving from a terminal: the run that the console has too, followed until it ends."""

import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, OutputWrapper

from audit.services import Actor
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving import selectors, services
from messaging.deadletters.redriving.selectors import RunProgress
from messaging.management.letters import printing
from messaging.models import RunState

_LOOK_EVERY = 0.3
_SHOWN = 20


def confirm(out: OutputWrapper, question: str, *, yes: bool) -> None:
    """Ask before anything is changed.

    Raises:
        CommandError: the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was changed: nobody can be asked here, so say --yes.")
    out.write(f"{question} [y/N] ", ending="")
    out.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was changed.")


def redrive_by_run(out: OutputWrapper, selection: LetterFilter, options: Mapping[str, Any], *, actor: Actor) -> None:
    """Plan, show the plan, and unless it is a dry run: the canary if asked for, then the rest.

    Raises:
        CommandError: the run stopped or paused itself, or the answer was no; the sentence says what is left to do.
    """
    run_id = services.plan_run(selection, rate=options["rate"], actor=actor, max_failures=options["max_failures"]).id
    until = time.monotonic() + options["timeout"]
    try:
        planned = follow(out, run_id, RunState.DRAFT, RunState.CANCELLED, until=until)
    except KeyboardInterrupt:
        services.cancel(run_id, actor=actor)
        raise CommandError("Cancelled; nothing was sent.") from None
    shown = list(selectors.items(run_id)[: options["limit"]])
    if options["json"] and options["dry_run"]:
        out.write(printing.as_json({**printing.progress_fields(planned), "letters": _as_fields(shown)}))
    else:
        printing.plan(out, planned, shown)
    if planned.run.state == RunState.CANCELLED:
        raise CommandError(planned.run.note)
    if options["dry_run"]:
        services.cancel(run_id, actor=actor)
        return
    _send(out, run_id, options, actor=actor, until=until)


def _as_fields(items: list[Any]) -> list[dict[str, Any]]:
    names = ("letter_id", "tenant_id", "verdict", "summary", "money_minor", "currency")
    return [{name: getattr(item, name) for name in names} for item in items]


def _send(out: OutputWrapper, run_id: UUID, options: Mapping[str, Any], *, actor: Actor, until: float) -> None:
    try:
        confirm(out, "Send them?" if not options["canary"] else "Send one as a canary?", yes=options["yes"])
    except CommandError:
        services.cancel(run_id, actor=actor)
        raise
    try:
        _drive(out, run_id, options, actor=actor, until=until)
    except KeyboardInterrupt:
        state = selectors.progress(run_id).run.get_state_display().lower()
        raise CommandError(
            f"The run goes on without this command (now: {state}); see `manage.py deadletters run {run_id}`."
        ) from None


def _drive(out: OutputWrapper, run_id: UUID, options: Mapping[str, Any], *, actor: Actor, until: float) -> None:
    if options["canary"]:
        services.send_canary(run_id, actor=actor)
        seen = follow(out, run_id, RunState.CANARY_DONE, RunState.DONE, RunState.STOPPED, until=until)
        if seen.run.state == RunState.CANARY_DONE:
            try:
                confirm(out, "The canary came through. Send the rest?", yes=options["yes"])
            except CommandError:
                services.cancel(run_id, actor=actor)
                raise CommandError("Only the canary was sent; the rest is left as it was.") from None
            services.go_on(run_id, actor=actor)
    else:
        services.go_on(run_id, actor=actor, without_canary=True)
    end(out, follow(out, run_id, *_ENDS, until=until), as_json=options["json"])


_ENDS = (RunState.DONE, RunState.CANCELLED, RunState.STOPPED, RunState.PAUSED)


def end(out: OutputWrapper, seen: RunProgress, *, as_json: bool) -> None:
    """Show what came of the run.

    Raises:
        CommandError: not all went well.
    """
    out.write(printing.as_json(printing.progress_fields(seen)) if as_json else printing.progress_line(seen))
    if seen.run.state != RunState.DONE:
        raise CommandError(seen.run.note or f"The run is {seen.run.state}.")
    if seen.states["failed"] or seen.states["skipped"]:
        raise CommandError(f"Not all came through; see `manage.py deadletters run {seen.run.id} --items`.")


def follow(out: OutputWrapper, run_id: UUID, *states: RunState, until: float) -> RunProgress:
    """Show the run's progress until it is in one of these states.

    Raises:
        CommandError: it took longer than until `until`; the run goes on without the command.
    """
    last = ""
    while True:
        seen = selectors.progress(run_id)
        if seen.run.state in states:
            return seen
        line = printing.progress_line(seen)
        if line != last and out.isatty():
            out.write(line)
        last = line
        if time.monotonic() > until:
            raise CommandError(
                f"The run goes on without this command ({seen.run.state}); are workers up? "
                f"Look with `manage.py deadletters run {run_id}`."
            )
        time.sleep(_LOOK_EVERY)
