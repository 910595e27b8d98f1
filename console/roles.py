"""Roles of staff as groups, each with the least that its work needs. `docs/guides/support.md` has them as a table.

The four groups belong to the code: every `migrate_schemas` makes them what this file says. Staff who need something else get
a group of their own beside them.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from tenants.registry.context import entered_schema

SUPPORT, OPERATOR, AUDITOR, ADMINISTRATOR = "support", "operator", "auditor", "administrator"


def _view(*models: str) -> frozenset[str]:
    return frozenset(f"{app}.view_{model}" for app, model in (name.split(".") for name in models))


def _may(action: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app}.{action}_{model}" for app, model in (name.split(".") for name in models))


_BUSINESS = _view(
    "registry.tenant",
    "registry.domain",
    "registry.tier",
    "onboarding.onboardingrun",
    "messaging.delivery",
    "messaging.deadletter",
    "messaging.redriverun",
    "messaging.routingchoice",
    "messaging.overflowepisode",
    "payment_accounts.account",
    "fleet.unicorn",
    "fleet.reservation",
    "fleet.call",
    "fleet.operator",
    "console.story",
    "console.money",
)
_ONBOARDING = _may("add", "onboarding.onboardingrun") | _may("change", "onboarding.onboardingrun")
_WATCHING = _view("django_celery_beat.periodictask")
_STAFF = _view(
    "identity.user", "auth.group", "axes.accessattempt", "axes.accesslog", "staff.authenticator", "audit.entry"
)
_MANAGING_STAFF = (
    _may("add", "identity.user")
    | _may("change", "identity.user")
    | _may("delete", "axes.accessattempt")
    | _may("reset", "staff.authenticator")
)

_SUPPORT = _BUSINESS | _ONBOARDING | {"messaging.redrive_deadletter", "messaging.view_deadletter_payload"}
_OPERATOR = (
    _SUPPORT
    | _WATCHING
    | _may("change", "registry.tenant", "registry.tier", "django_celery_beat.periodictask")
    | _may("add", "payment_accounts.account")
    | _may("change", "payment_accounts.account")
    | _may("add", "messaging.redriverun")
    | _may("change", "messaging.redriverun", "messaging.routingchoice")
    | {"messaging.discard_deadletter", "messaging.edit_deadletter", "console.repair_money"}
)
ROLES: dict[str, frozenset[str]] = {
    SUPPORT: _SUPPORT,
    OPERATOR: _OPERATOR,
    AUDITOR: _BUSINESS | _WATCHING | _STAFF | {"messaging.view_deadletter_payload"},
    ADMINISTRATOR: _OPERATOR | _STAFF | _MANAGING_STAFF,
}


def keep_roles(sender: AppConfig, **signal: Any) -> None:
    """After a migration of `public`: make the groups, or make them what this file says."""
    if entered_schema() == "public":
        for config in apps.get_app_configs():
            # Django makes an app's own after that app's migrations, which for most comes after this.
            create_permissions(config, verbosity=0, using=signal["using"], apps=signal["apps"])
        make_roles()


@transaction.atomic
def make_roles() -> None:
    """Make the four groups what this file says; called again it changes nothing.

    A permission whose app is not migrated yet is left out; the next migration brings it.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for name, wanted in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([known[each] for each in sorted(wanted) if each in known])
