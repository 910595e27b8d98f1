"""The demonstration tenants of `make up`: one per tier, made by the real onboarding, with logins in a private file."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from tenants.identity.models import Role, User
from tenants.onboarding.models import OnboardingRun, RunState
from tenants.onboarding.services import retry_onboarding, start_onboarding
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant
from tenants.registry.naming import default_domain


@dataclass(frozen=True, kw_only=True)
class DemoTenant:
    """A demonstration tenant and the login of its first user."""

    slug: str
    name: str
    tier: str
    currency: str
    email: str
    password: str = ""

    @property
    def host(self) -> str:
        """Where its API is served, without a port."""
        return default_domain(self.slug, settings.PUBLIC_DOMAIN)


DEMO_TENANTS = (
    DemoTenant(slug="acme", name="Acme Travel", tier="basic", currency="USD", email="rita@acme.example"),
    DemoTenant(slug="globex", name="Globex", tier="premium", currency="EUR", email="hank@globex.example"),
    DemoTenant(slug="initech", name="Initech", tier="enterprise", currency="GBP", email="peter@initech.example"),
)
STAFF_EMAIL = "staff@wildrydes.example"


class DemoLogins:
    """`var/demo.json`, readable by its owner alone: the logins that were generated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        """Passwords by e-mail address; empty when the file is missing or not ours."""
        try:
            content = json.loads(self._path.read_text())
            entries = [*content["tenants"], content["staff"]]
            return {str(entry["email"]): str(entry["password"]) for entry in entries}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def write(self, tenants: list[DemoTenant], staff_password: str) -> None:
        """Replace the file, whole or not at all."""
        port = "" if settings.PUBLIC_PORT in (80, 443) else f":{settings.PUBLIC_PORT}"
        content: dict[str, Any] = {
            "tenants": [
                {**asdict(tenant), "host": tenant.host, "url": f"{settings.PUBLIC_SCHEME}://{tenant.host}{port}"}
                for tenant in tenants
            ],
            "staff": {
                "email": STAFF_EMAIL,
                "password": staff_password,
                "url": f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_DOMAIN}{port}/admin/",
            },
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        half.touch(mode=0o600)
        half.write_text(json.dumps(content, indent=2) + "\n")
        half.rename(self._path)


def new_password() -> str:
    """A password that a person can copy: 96 bits."""
    return secrets.token_urlsafe(12)


def begin_onboarding(tenant: DemoTenant, password: str) -> UUID | None:
    """Make sure that the tenant is there or being made; answers the run to follow, None when it is in service."""
    known = OnboardingRun.objects.filter(tenant__slug=tenant.slug).first()
    if known is None:
        run = start_onboarding(
            name=tenant.name,
            slug=tenant.slug,
            tier=tenant.tier,
            currency=tenant.currency,
            email=tenant.email,
            user_name=tenant.email.partition("@")[0].title(),
            password=password,
            requested_by="manage.py seed_demo",
        )
        return run.id
    if known.state == RunState.FAILED:
        retry_onboarding(run_id=known.id)
    return None if known.state == RunState.SUCCEEDED else known.id


def let_in(tenant: DemoTenant, password: str) -> None:
    """Make the first user's password the one in the file, for a tenant that outlived the file."""
    with enter_tenant(snapshot(Tenant.objects.select_related("tier").get(slug=tenant.slug))):
        _set_password(tenant.email, password, role=Role.ADMINISTRATOR)


def let_staff_in(password: str) -> None:
    """A superuser for the console, with the password in the file."""
    with enter_public():
        _set_password(STAFF_EMAIL, password, is_staff=True, is_superuser=True, name="Demo staff")


def _set_password(email: str, password: str, **fields: Any) -> None:
    user, _ = User.objects.get_or_create(email=email, defaults=fields)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
