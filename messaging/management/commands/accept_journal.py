"""`manage.py accept_journal`: go on after a restored backup, or after a tenant was deleted."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.services import Actor
from messaging.journal.accepting import Acceptance, accept, plan
from messaging.journal.chains import Chain
from messaging.journal.errors import UnableToSeal
from messaging.journal.exporting import heads_file
from messaging.journal.heads import KnownHeads, read
from messaging.management.journals import schemas_of


class Command(BaseCommand):
    """A person's decision: it is audited, and every later verification tells of it."""

    help = "Give up the heads of segments that the database does not have any more, and let the journal go on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--tenant", metavar="SLUG", help="Whose journal (or `public`).")
        which.add_argument(
            "--chain", type=UUID, metavar="ID", help="A chain whose schema is gone, as verify_journal names it."
        )
        parser.add_argument("--reason", required=True, help="Why; everyone who verifies will read it.")
        parser.add_argument(
            "--heads", action="append", default=[], type=Path, metavar="FILE", help="As for verify_journal."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would be given up.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and accept."""
        reason = options["reason"].strip()
        if not reason or len(reason) > 300 or not reason.isprintable():
            raise CommandError("--reason is a sentence of up to 300 characters.")
        chain_id = options["chain"] or self._chain_of(options["tenant"])
        known = self._known(options["heads"] or [heads_file()]).chains.get(chain_id)
        if known is None:
            raise CommandError(f"The files know no chain {chain_id}: there is nothing to accept.")
        if options["dry_run"]:
            self._tell(plan(chain_id, known, reason=reason), "would be given up")
            return
        try:
            self._tell(accept(chain_id, known, reason=reason, actor=Actor.command()), "given up")
        except UnableToSeal as error:
            raise CommandError(str(error)) from error

    def _tell(self, accepted: Acceptance, done: str) -> None:
        self.stdout.write(f"{len(accepted.given_up)} heads {done}; the journal goes on after segment {accepted.last}.")

    @staticmethod
    def _chain_of(slug: str) -> UUID:
        (schema,) = schemas_of([slug])
        chain = Chain.objects.filter(schema_name=schema).first()
        if chain is None:
            raise CommandError(f"{schema} has no chain yet: nothing of it was ever sealed.")
        return chain.id

    @staticmethod
    def _known(paths: list[Path]) -> KnownHeads:
        try:
            return read(paths, environment=settings.ENVIRONMENT)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
