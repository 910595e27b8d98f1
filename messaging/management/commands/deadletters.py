"""`manage.py deadletters`: the console's dead letters, for a terminal."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from audit.services import Actor
from messaging.deadletters import selectors, services
from messaging.deadletters.redriving import selectors as runs
from messaging.deadletters.redriving import services as redriving
from messaging.management.letters import printing
from messaging.management.letters.options import add_filters, add_ids, letter_id, selection_from
from messaging.management.letters.running import confirm, redrive_by_run
from messaging.models import DeadLetterState
from wildrydes.kernel.errors import DomainError
from wildrydes.kernel.strict_json import MAX_BYTES

# Letters per second, where nothing else is asked for.
_RATE = 5.0


class Command(BaseCommand):
    """Lists, shows, redrives, discards and edits dead letters. What it does is in the audit trail with who ran it."""

    help = "Work on dead letters: list, show, redrive, discard, payload, edit; runs, run."

    def add_arguments(self, parser: CommandParser) -> None:
        """A subcommand for each thing that can be done."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        for name, about, add in (
            ("list", "Letters, or their causes.", _list_options),
            ("show", "One letter with its attempts and what sending it would do.", _show_options),
            ("redrive", "Send letters again.", _redrive_options),
            ("discard", "Close letters without sending them.", _discard_options),
            ("payload", "What a letter's message says; that you looked is written down.", _show_options),
            ("edit", "Send a corrected message in a letter's place.", _edit_options),
            ("runs", "The latest redrive runs.", _runs_options),
            ("run", "One redrive run: look at it, follow it, pause, resume, cancel.", _run_options),
        ):
            add(acts.add_parser(name, help=about, description=about))

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; what cannot be done is told in one line."""
        try:
            getattr(self, f"_{options['act']}")(options)
        except DomainError as error:
            raise CommandError(error.detail) from error
        except OperationalError as error:
            raise CommandError("The database does not answer; try again when it does.") from error

    def _list(self, options: Mapping[str, Any]) -> None:
        chosen = selection_from(options, explicit=False)
        if options["causes"]:
            found = selectors.causes(chosen, limit=options["limit"])
            if options["json"]:
                self.stdout.write(printing.as_json([vars(cause) for cause in found]))
            else:
                printing.causes(self.stdout, found)
            return
        letters = list(selectors.letters(chosen)[: options["limit"]])
        if options["json"]:
            self.stdout.write(printing.as_json([printing.letter_fields(letter) for letter in letters]))
        else:
            printing.letters(self.stdout, letters)

    def _show(self, options: Mapping[str, Any]) -> None:
        found = selectors.letter(options["id"])
        if options["json"]:
            self.stdout.write(printing.as_json(printing.detail_fields(found)))
        else:
            printing.detail(self.stdout, found)

    def _redrive(self, options: Mapping[str, Any]) -> None:
        selection = selection_from(options, explicit=True)
        as_run = options["dry_run"] or options["canary"] or options["rate"] is not None
        if as_run or selection.as_text().keys() != {"ids"}:
            rate = _RATE if options["rate"] is None else options["rate"]
            redrive_by_run(self.stdout, selection, {**options, "rate": rate}, actor=Actor.command())
            return
        confirm(self.stdout, f"Send {len(selection.ids)} letters again?", yes=options["yes"])
        result = services.redrive(selection.ids, actor=Actor.command())
        told = {
            "sent": {str(letter): str(delivery) for letter, delivery in result.sent.items()},
            "obsolete": {str(letter): why for letter, why in result.obsolete.items()},
            "refused": {str(letter): error.detail for letter, error in result.refused.items()},
        }
        if options["json"]:
            self.stdout.write(printing.as_json(told))
        else:
            for what, each in told.items():
                for letter, more in each.items():
                    self.stdout.write(printing.plain(f"{letter}  {what}  {more}"))
        if result.refused:
            raise CommandError(f"{len(result.refused)} of {len(selection.ids)} could not be sent.")

    def _discard(self, options: Mapping[str, Any]) -> None:
        selection = selection_from(options, explicit=True)
        if selection.as_text().keys() == {"ids"}:
            confirm(self.stdout, f"Discard {len(selection.ids)} letters?", yes=options["yes"])
            count = services.discard(selection.ids, reason=options["reason"], actor=Actor.command())
        else:
            open_ones = selection.apply().filter(state=DeadLetterState.OPEN).count()
            confirm(self.stdout, f"Discard {open_ones} letters?", yes=options["yes"])
            count = services.discard_all(selection, reason=options["reason"], actor=Actor.command())
        self.stdout.write(f"{count} discarded.")

    def _payload(self, options: Mapping[str, Any]) -> None:
        self.stdout.write(printing.as_json(services.look_at_payload(options["id"], actor=Actor.command())))

    def _edit(self, options: Mapping[str, Any]) -> None:
        text = _text_from(options["payload"])
        confirm(self.stdout, "Send the corrected message?", yes=options["yes"])
        message_id = services.edit_and_send(options["id"], payload=text, actor=Actor.command())
        self.stdout.write(f"Sent as message {message_id}.")

    def _runs(self, options: Mapping[str, Any]) -> None:
        found = [runs.progress(run.id) for run in runs.runs()[: options["limit"]]]
        if options["json"]:
            self.stdout.write(printing.as_json([printing.progress_fields(seen) for seen in found]))
        else:
            for seen in found:
                self.stdout.write(printing.progress_line(seen))

    def _run(self, options: Mapping[str, Any]) -> None:
        run_id, wish = options["id"], options["wish"]
        if wish is not None:
            _WISHES[wish](run_id, Actor.command())
        seen = runs.progress(run_id)
        if options["items"]:
            printing.items(self.stdout, runs.items(run_id)[: options["limit"]])
        self.stdout.write(
            printing.as_json(printing.progress_fields(seen)) if options["json"] else printing.progress_line(seen)
        )


_WISHES: Mapping[str, Callable[[Any, Actor], object]] = {
    "canary": lambda run_id, actor: redriving.send_canary(run_id, actor=actor),
    "go-on": lambda run_id, actor: redriving.go_on(run_id, actor=actor),
    "skip-canary": lambda run_id, actor: redriving.go_on(run_id, actor=actor, without_canary=True),
    "pause": lambda run_id, actor: redriving.pause(run_id, actor=actor),
    "resume": lambda run_id, actor: redriving.resume(run_id, actor=actor),
    "cancel": lambda run_id, actor: redriving.cancel(run_id, actor=actor),
}


def _text_from(source: str) -> bytes:
    """The JSON text of a file, or of standard input for `-`."""
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{source} cannot be read: {error.strerror}.") from error


def _limited(parser: CommandParser, default: int = 50) -> None:
    parser.add_argument("--limit", type=_count, default=default, help=f"Show at most so many (default: {default}).")
    parser.add_argument("--json", action="store_true", help="For programs.")


def _count(text: str) -> int:
    """A number of lines."""
    number = int(text)
    if not 1 <= number <= 100_000:
        raise ValueError
    return number


def _list_options(parser: CommandParser) -> None:
    add_filters(parser, with_state=True)
    parser.add_argument("--causes", action="store_true", help="Group them by what they died of.")
    _limited(parser)


def _show_options(parser: CommandParser) -> None:
    add_ids(parser, many=False)
    parser.add_argument("--json", action="store_true", help="For programs.")


def _chosen(parser: CommandParser) -> None:
    add_ids(parser)
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="Every open letter.")
    parser.add_argument("--yes", action="store_true", help="Do not ask.")


def _redrive_options(parser: CommandParser) -> None:
    _chosen(parser)
    parser.add_argument("--dry-run", action="store_true", help="Only tell what would happen to each.")
    parser.add_argument("--canary", action="store_true", help="Send one first, and the rest when it comes through.")
    parser.add_argument("--rate", type=float, help=f"Letters per second (default: {_RATE:g}).")
    parser.add_argument("--max-failures", type=int, default=10, help="Pause when so many died again (default: 10).")
    parser.add_argument("--timeout", type=float, default=3600.0, help="Seconds to follow it (default: 3600).")
    _limited(parser, 20)


def _discard_options(parser: CommandParser) -> None:
    _chosen(parser)
    parser.add_argument("--reason", required=True, help="Why; somebody may ask later.")


def _edit_options(parser: CommandParser) -> None:
    add_ids(parser, many=False)
    parser.add_argument(
        "--payload", required=True, metavar="FILE", help="The whole payload as JSON; - reads it from stdin."
    )
    parser.add_argument("--yes", action="store_true", help="Do not ask.")


def _runs_options(parser: CommandParser) -> None:
    _limited(parser, 20)


def _run_options(parser: CommandParser) -> None:
    parser.add_argument("id", type=letter_id, metavar="ID", help="The run's id.")
    parser.add_argument("wish", nargs="?", choices=sorted(_WISHES), help="What to do; without it, only look.")
    parser.add_argument("--items", action="store_true", help="Also what became of each letter.")
    _limited(parser)
