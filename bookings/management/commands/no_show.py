"""`manage.py no_show TENANT BOOKING`: the rider did not come."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.services import Actor
from bookings.services import report_no_show
from tenants.registry.context import enter_tenant
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import DomainError
from wildrydes.kernel.money import Money


class Command(BaseCommand):
    """End the ride and keep the tier's fee; what else was paid goes back."""

    help = "Report that the rider of a confirmed ride did not come: the ride ends and the tier's fee is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose ride, and which."""
        parser.add_argument("tenant", help="the company's short name")
        parser.add_argument("booking", help="the booking's id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        found = Tenant.objects.select_related("tier").filter(slug=options["tenant"]).first()
        if found is None:
            raise CommandError(f"There is no company {options['tenant'][:40]!r}.")
        try:
            with enter_tenant(snapshot(found)), transaction.atomic():
                booking = report_no_show(booking_id=UUID(options["booking"]), actor=Actor.command())
        except ValueError as error:
            raise CommandError(f"{options['booking'][:60]!r} is not the id of a booking.") from error
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{booking.id}: missed; {Money(booking.fee_minor, booking.currency)} are kept")
