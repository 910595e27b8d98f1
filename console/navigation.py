"""The console's sidebar. An entry is shown to those who may open it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links, for what staff are concerned with: companies, messages, unicorns, and one another."""
    return [
        {"items": [{"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}]},
        {
            "title": "Companies",
            "separator": True,
            "items": [
                _entry("Companies", "apartment", "registry", "tenant"),
                _entry("Onboardings", "rocket_launch", "onboarding", "onboardingrun"),
                _entry("Tiers", "stacks", "registry", "tier"),
                _entry("Payment accounts", "credit_card", "payment_accounts", "account"),
            ],
        },
        {
            "title": "Operations",
            "separator": True,
            "items": [
                _page("What happened?", "timeline", "story", "console.view_story"),
                _page("Money", "balance", "money", "console.view_money"),
                _entry("Dead letters", "mark_email_unread", "messaging", "deadletter"),
                _entry("Redrive runs", "restart_alt", "messaging", "redriverun"),
                _entry("Deliveries", "outbox", "messaging", "delivery"),
                _page("Queues", "groups_2", "queues", "messaging.view_delivery"),
                _entry("Routing", "alt_route", "messaging", "routingchoice"),
                _entry("Schedule", "schedule", "django_celery_beat", "periodictask"),
            ],
        },
        _fleet(),
        {
            "title": "Staff",
            "separator": True,
            "items": [
                _entry("People", "badge", "identity", "user"),
                _entry("Groups", "groups", "auth", "group"),
                _entry("Logins", "login", "axes", "accesslog"),
                _entry("Second factors", "phonelink_lock", "staff", "authenticator"),
                _entry("Refused logins", "lock", "axes", "accessattempt"),
                _entry("Audit trail", "history", "audit", "entry"),
            ],
        },
    ]


def _fleet() -> dict[str, Any]:
    return {
        "title": "Fleet",
        "separator": True,
        "items": [
            _entry("Unicorns", "cruelty_free", "fleet", "unicorn"),
            _entry("Reservations", "event_available", "fleet", "reservation"),
            _entry("Calls for offers", "campaign", "fleet", "call"),
            _entry("Operators", "storefront", "fleet", "operator"),
        ],
    }


def _page(title: str, icon: str, name: str, permission: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse(f"admin:{name}"), "permission": _may(permission)}


def _entry(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{app}_{model}_changelist"),
        "permission": _may(f"{app}.view_{model}", f"{app}.change_{model}"),
    }


def _may(*permissions: str) -> Callable[[HttpRequest], bool]:
    def check(request: HttpRequest) -> bool:
        return any(request.user.has_perm(permission) for permission in permissions)

    return check
