"""A member of staff, the console, and an authenticator app."""

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django_otp.oath import TOTP

from tenants.identity.models import User
from tenants.staff import services
from wildrydes.kernel.clock import utcnow

PASSWORD = "a long console phrase"
LOGIN = "/admin/login/"
VERIFY = "/admin/second-factor/verify/"
ENROL = "/admin/second-factor/enrol/"


@pytest.fixture(autouse=True)
def quick_hasher(settings: Any) -> None:
    """The real one takes a third of a second on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann@wildrydes.example", PASSWORD)


@pytest.fixture
def console() -> Client:
    return Client(headers={"host": "localhost"})


def code_at(secret: str, now: datetime) -> str:
    """What the app shows."""
    totp = TOTP(base64.b32decode(secret.replace(" ", "")))
    totp.time = now.timestamp()
    return f"{totp.token():06d}"


class Phone:
    """Makes a code that was not used yet: each time the next half minute's, and back again."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.now = utcnow()

    def later(self, seconds: float = 30) -> str:
        self.now += timedelta(seconds=seconds)
        return code_at(self.secret, self.now)


def enrolled(user: User) -> tuple[Phone, list[str]]:
    """The user's phone, and recovery codes; enrolled some minutes ago, so that this half minute's code is unused."""
    phone = Phone(services.begin_enrolment(user=user))
    phone.now -= timedelta(minutes=10)
    codes = services.confirm_enrolment(user=user, code=code_at(phone.secret, phone.now), now=phone.now)
    phone.now = utcnow()
    return phone, codes


def log_in(console: Client, user: User, password: str = PASSWORD) -> Any:
    return console.post(LOGIN, {"username": user.email, "password": password, "next": "/admin/"})
