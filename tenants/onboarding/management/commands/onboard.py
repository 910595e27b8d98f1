"""`manage.py onboard`: the Admin's form, for a terminal."""

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.onboarding.management.following import follow
from tenants.onboarding.services import start_onboarding
from wildrydes.kernel.errors import DomainError

_WAIT_SECONDS = 180.0


class Command(BaseCommand):
    """Registers a company and, with `--wait`, shows the steps until it is open for service."""

    help = "Onboard a company: register it and have its schema made by a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        """One option per field of the form."""
        parser.add_argument("--name", required=True, help="The company's name.")
        parser.add_argument(
            "--slug", required=True, help="Its short name, for addresses: 3 to 40 of a-z, 0-9 and hyphens."
        )
        parser.add_argument("--tier", default="basic", help="basic, premium or enterprise (default: basic).")
        parser.add_argument("--currency", default="USD", help="ISO 4217 code (default: USD).")
        parser.add_argument("--email", required=True, help="The first user, who becomes the company's administrator.")
        parser.add_argument("--user-name", default="", help="The first user's name.")
        parser.add_argument("--domain", default="", help="A domain that the company brings.")
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the first user's password from standard input."
        )
        parser.add_argument("--wait", action="store_true", help="Show the steps; exit with 1 when it fails.")
        parser.add_argument(
            "--timeout", type=float, default=_WAIT_SECONDS, help=f"Seconds to wait (default: {_WAIT_SECONDS:.0f})."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, and follow when asked to."""
        password = ""
        if options["password_stdin"]:
            password = sys.stdin.readline().rstrip("\r\n")
            if not password:
                raise CommandError("--password-stdin was given, but standard input is empty.")
        try:
            run = start_onboarding(
                name=options["name"],
                slug=options["slug"],
                tier=options["tier"],
                currency=options["currency"],
                email=options["email"],
                user_name=options["user_name"],
                own_domain=options["domain"],
                password=password,
                requested_by="manage.py onboard",
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        if not options["wait"]:
            self.stdout.write(f"Onboarding of {options['name']} has begun: {run.id}")
            return
        outcome = follow(run.id, self.stdout, deadline=time.monotonic() + options["timeout"])
        if outcome.failure:
            raise CommandError(outcome.failure)
