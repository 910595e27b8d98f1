"""The demonstration's logins, as `manage.py seed_demo` leaves them in `var/demo.json`."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wildrydes.devstack.errors import StackError


@dataclass(frozen=True, kw_only=True)
class Login:
    """Somebody who can log in.

    Attributes:
        url: where, in a browser.
        tier: the tenant's; empty for support staff.
        email: as whom.
        password: with what.
    """

    url: str
    tier: str
    email: str
    password: str

    @property
    def host(self) -> str:
        """The tenant's name on the network, port included, as it stands in the Host header."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, kw_only=True)
class Logins:
    """One user per demonstration tenant, and one member of staff."""

    tenants: tuple[Login, ...]
    staff: Login | None

    @classmethod
    def read(cls, path: Path) -> "Logins":
        """Read them.

        Raises:
            StackError: the file is not there or not whole.
        """
        try:
            data = json.loads(path.read_text())
            staff = data.get("staff")
            return cls(tenants=tuple(_login(one) for one in data["tenants"]), staff=_login(staff) if staff else None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise StackError(
                f"{path} has no demonstration logins: run `manage.py seed_demo`, or `make reset`."
            ) from None


def _login(data: dict[str, str]) -> Login:
    return Login(url=data["url"], tier=data.get("tier", ""), email=data["email"], password=data["password"])
