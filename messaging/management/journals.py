"""What the journal's commands share."""

from collections.abc import Collection, Sequence

from django.core.management.base import CommandError

from tenants.registry.models import Tenant


def schemas_of(slugs: Sequence[str]) -> Collection[str]:
    """The schemas of these tenants; `public` stands for the platform's own.

    Raises:
        CommandError: for a slug that is no tenant's.
    """
    found = dict(
        Tenant.objects.filter(slug__in=[slug for slug in slugs if "\x00" not in slug]).values_list(
            "slug", "schema_name"
        )
    )
    found["public"] = "public"
    for slug in slugs:
        if slug not in found:
            raise CommandError(f"There is no tenant {slug!r}.", returncode=2)
    return [found[slug] for slug in slugs]
