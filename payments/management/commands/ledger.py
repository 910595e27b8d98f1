"""`manage.py ledger`: whether the books are whole, and taking over what they do not have."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.agreement import adopt, disagreements
from payments.ledger.selectors import guards_missing, unbalanced_entries
from tenants.registry.context import enter_tenant
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant, TenantStatus


class Command(BaseCommand):
    """`ledger check` compares; `ledger adopt` books what is missing. For all tenants, or the one named."""

    help = "Compare each tenant's ledger with its totals (check), or book what the totals have and it has not (adopt)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and for whom."""
        parser.add_argument("what", choices=["check", "adopt"])
        parser.add_argument("--tenant", default="", help="a tenant's slug; all of them when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; a finding ends the command with exit status 1."""
        working = Tenant.objects.select_related("tier").filter(status__in=[TenantStatus.ACTIVE, TenantStatus.SUSPENDED])
        if options["tenant"]:
            working = working.filter(slug=options["tenant"])
        tenants = [snapshot(row) for row in working.order_by("slug")]
        if options["tenant"] and not tenants:
            raise CommandError(f"There is no working tenant {options['tenant'][:40]!r}.")
        findings = 0
        for tenant in tenants:
            with enter_tenant(tenant):
                findings += self._check(tenant.slug) if options["what"] == "check" else self._adopt(tenant.slug)
        if findings:
            raise CommandError(f"{findings} findings: see above, and payments/ledger/README.md.")

    def _adopt(self, slug: str) -> int:
        self.stdout.write(f"{slug}: {adopt()} bookings taken over")
        return 0

    def _check(self, slug: str) -> int:
        wrong = [f"trigger {name} is missing or off" for name in guards_missing()]
        wrong += [f"entry {entry} does not balance" for entry in unbalanced_entries()]
        wrong += [
            f"booking {found.booking_id}: totals {_words(found.totals)}, booked {_words(found.booked)}"
            for found in disagreements()
        ]
        self.stdout.write("\n".join(f"{slug}: {line}" for line in wrong or ["the ledger and the totals agree"]))
        return len(wrong)


def _words(sums: Any) -> str:
    return f"due {sums.due} captured {sums.captured} credit {sums.credit} refunded {sums.refunded}"
