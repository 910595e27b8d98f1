"""`manage.py fleet_credentials`."""

import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.errors import InvalidCredential
from fleet.services import Issued, issue_credential, register_operator, revoke_credential, speaker_with
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """Issues and revokes the credentials of operators and unicorns."""

    help = "Issue a credential for a fleet operator, or for one of its unicorns; the secret is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--operator", default="house", help="The operator's code (house: whose feed is taken over)."
        )
        parser.add_argument("--name", help="Register the operator under this name when it is not there.")
        parser.add_argument("--unicorn", type=UUID, help="One unicorn, by the operator's id, in place of all.")
        parser.add_argument("--file", type=Path, help="Write it here as JSON, unless one that works is there.")
        parser.add_argument("--revoke", type=UUID, metavar="CREDENTIAL", help="Let this one get no more tokens.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Translate and do it."""
        if options["revoke"]:
            done = revoke_credential(credential_id=options["revoke"])
            self.stdout.write("Revoked; its tokens end within ten minutes." if done else "There is nothing to revoke.")
            return
        file: Path | None = options["file"]
        if file is not None and _works(file):
            self.stdout.write(f"The credential in {file} works.")
            return
        if options["name"]:
            register_operator(code=options["operator"], name=options["name"])
        try:
            issued = issue_credential(operator=options["operator"], unicorn=options["unicorn"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        if file is None:
            self.stdout.write(f"credential {issued.credential_id}\nsecret {issued.secret}")
        else:
            _write(file, issued)
            self.stdout.write(f"Credential {issued.credential_id} written to {file}.")


def _works(file: Path) -> bool:
    try:
        known = json.loads(file.read_text())
        speaker_with(credential_id=UUID(known["credential"]), secret=str(known["secret"]))
    except (OSError, ValueError, KeyError, TypeError, InvalidCredential):
        return False
    return True


def _write(file: Path, issued: Issued) -> None:
    half = file.with_name(f".{file.name}.{os.getpid()}")
    half.touch(mode=0o600)
    half.write_text(json.dumps({"credential": str(issued.credential_id), "secret": issued.secret}) + "\n")
    half.rename(file)
