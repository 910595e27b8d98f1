"""`manage.py seed_demo`: the three demonstration tenants of `make up`, through the real onboarding. Needs running workers."""

import time
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.onboarding import demo
from tenants.onboarding.management.following import follow
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """May be run again and again: what is there stays, what is missing is made."""

    help = "Onboard three demonstration tenants (basic, premium, enterprise); their logins go to var/demo.json."

    def add_arguments(self, parser: CommandParser) -> None:
        """How long to wait."""
        parser.add_argument(
            "--timeout", type=float, default=180.0, help="Seconds to wait for the workers (default: 180)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the logins down first, so that a run that is cut short loses none."""
        if settings.ENVIRONMENT == "production":
            raise CommandError("Demonstration tenants are for development; this is ENVIRONMENT=production.")
        deadline = time.monotonic() + options["timeout"]
        logins = demo.DemoLogins(settings.VAR_DIR / "demo.json")
        known = logins.read()
        tenants = [replace(t, password=known.get(t.email) or demo.new_password()) for t in demo.DEMO_TENANTS]
        staff_password = known.get(demo.STAFF_EMAIL) or demo.new_password()
        logins.write(tenants, staff_password)
        demo.let_staff_in(staff_password)
        try:
            runs = [(tenant, demo.begin_onboarding(tenant, tenant.password)) for tenant in tenants]
        except DomainError as error:
            raise CommandError(error.detail) from error
        for tenant, run_id in runs:
            if run_id is None:
                self.stdout.write(f"{tenant.name} ({tenant.tier}) is there: {tenant.host}")
            else:
                self.stdout.write(f"Onboarding {tenant.name} ({tenant.tier}): {tenant.host}")
                outcome = follow(run_id, self.stdout, deadline=deadline)
                if outcome.failure:
                    raise CommandError(f"{tenant.name} could not be onboarded: {outcome.failure}")
            demo.let_in(tenant, tenant.password)
