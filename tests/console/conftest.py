"""Members of staff in front of the console, and messages that died."""

import re
from collections.abc import Callable
from functools import partial
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse as reverse_at
from django.utils.timezone import now

from messaging.models import DeadLetter
from tenants.identity.models import User
from wildrydes.kernel.ids import new_id

reverse = partial(reverse_at, urlconf="wildrydes.urls_public")


def member(*permissions: str, role: str = "", superuser: bool = False, email: str = "") -> User:
    """A member of staff with a role, with permissions, or with all of them."""
    user = User.objects.create(email=email or f"{new_id()}@staff.example", is_staff=True, is_superuser=superuser)
    if role:
        user.groups.add(Group.objects.get(name=role))
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def browser(*permissions: str, role: str = "", superuser: bool = False, email: str = "", **options: Any) -> Client:
    """Somebody in front of the console."""
    client = Client(headers={"host": "localhost"}, **options)
    client.force_login(
        member(*permissions, role=role, superuser=superuser, email=email),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


@pytest.fixture
def staff(db: None) -> Client:
    return browser(superuser=True)


@pytest.fixture
def as_role(db: None) -> Callable[[str], Client]:
    return lambda role: browser(role=role)


def letter(tenant_id: Any, **fields: Any) -> DeadLetter:
    """A dead letter without a message, as far as `public` knows."""
    given = {
        "id": new_id(), "tenant_id": tenant_id, "message_id": new_id(), "correlation_id": new_id(), "version": 1,
        "topic": "payments.capture", "handler": "payments.capture", "queue_class": "payments", "reason": "attempts",
        "error_class": "wildrydes.kernel.http.OutboundNotSent", "fingerprint": "ab", "attempts": 6, "crashes": 0,
        "outcome_committed": True, "accepted_at": now(),
    }  # fmt: skip
    return DeadLetter.objects.create(**given | fields)


def text_of(answer: Any) -> str:
    """What a person reads on the page, in one line."""
    main = answer.content.decode().partition('id="content"')[2] or answer.content.decode()
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))
