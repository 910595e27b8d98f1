"""`manage.py migrate_tenants`: bring every tenant's schema up to date, quickly and without stopping at the first failure."""

import os
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.onboarding.errors import UnableToProvision
from tenants.onboarding.migrating import Migrated, migrate_schemas, schemas_behind, tenant_schemas
from tenants.onboarding.templates import ensure_template
from tenants.registry.naming import check_slug, schema_name_for
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """Run `migrate_schemas --shared` first: this one leaves `public` alone."""

    help = "Migrate the schemas of tenants that are behind, in parallel, and rebuild the template for new ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """How parallel, how patient, and whom."""
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="Processes (default: one per core).")
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=5.0,
            help="Seconds that a statement may wait for a lock of the running service (default: 5).",
        )
        parser.add_argument("--tenant", action="append", default=[], metavar="SLUG", help="Only this one; repeatable.")
        parser.add_argument("--check", action="store_true", help="Only tell which are behind; exit with 1 if any is.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find those behind, migrate them, tell what happened."""
        if options["jobs"] < 1 or options["lock_timeout"] <= 0:
            raise CommandError("--jobs is at least 1 and --lock-timeout above 0.")
        started = monotonic()
        schemas = self._chosen(options["tenant"])
        behind = schemas_behind(schemas)
        self.stdout.write(f"{len(schemas)} tenants, {len(behind)} behind.")
        if options["check"]:
            if behind:
                raise CommandError(f"Behind: {', '.join(behind)}")
            return
        try:
            template, built = ensure_template()
        except UnableToProvision as error:
            raise CommandError(str(error)) from error
        if built:
            self.stdout.write(f"The template for new tenants was built in {template.build_seconds:.1f} s.")
        failed = self._migrate(behind, options["jobs"], options["lock_timeout"]) if behind else []
        self.stdout.write(f"{len(behind) - len(failed)} migrated in {monotonic() - started:.1f} s.")
        if failed:
            reasons = "\n".join(f"  {outcome.schema_name}: {outcome.error}" for outcome in failed)
            raise CommandError(f"{len(failed)} could not be migrated; the others are up to date:\n{reasons}")

    def _chosen(self, slugs: list[str]) -> list[str]:
        schemas = tenant_schemas()
        if not slugs:
            return schemas
        try:
            wanted = [schema_name_for(check_slug(slug)) for slug in slugs]
        except DomainError as error:
            raise CommandError(error.detail) from error
        unknown = [schema for schema in wanted if schema not in schemas]
        if unknown:
            raise CommandError(f"There is no tenant with the schema {', '.join(unknown)}.")
        return wanted

    def _migrate(self, behind: list[str], jobs: int, lock_timeout: float) -> list[Migrated]:
        failed = []
        outcomes = migrate_schemas(behind, jobs=min(jobs, len(behind)), lock_timeout_seconds=lock_timeout)
        for count, outcome in enumerate(outcomes, start=1):
            if outcome.error:
                failed.append(outcome)
            mark = "✗" if outcome.error else "✓"
            line = f"  [{count}/{len(behind)}] {mark} {outcome.schema_name} {outcome.seconds:.1f} s {outcome.error}".rstrip()
            passing = self.stdout.isatty() and not outcome.error and count < len(behind)
            self.stdout.write(f"\x1b[2K{line}" if self.stdout.isatty() else line, ending="\r" if passing else "\n")
            self.stdout.flush()
        return failed
