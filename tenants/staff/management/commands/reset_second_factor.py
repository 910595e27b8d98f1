"""`manage.py reset_second_factor`: for the day on which the last administrator has lost the phone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.services import Actor
from tenants.identity.models import User
from tenants.registry.context import enter_public
from tenants.staff.services import reset_second_factor
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """Find the member of staff, take the second factor away."""

    help = "Take a member of staff's second factor away; they set up a new one at the next login."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("email")
        parser.add_argument("--reason", required=True, help="Who asked, and how you know that it is them.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; the audit trail has who did."""
        with enter_public():
            try:
                user = User.objects.get_by_natural_key(options["email"].replace("\x00", ""))
                reset_second_factor(user=user, actor=Actor.command(), reason=options["reason"])
            except User.DoesNotExist as error:
                raise CommandError("There is no member of staff with this address.") from error
            except DomainError as error:
                raise CommandError(error.detail) from error
        self.stdout.write(f"{user} sets up a new second factor at the next login.")
