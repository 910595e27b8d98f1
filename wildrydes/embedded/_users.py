"""As whom a server runs. PostgreSQL refuses to run as root, so root hands it to a user without rights."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from wildrydes.embedded.errors import UnableToStart


class _Change(TypedDict, total=False):
    """How subprocess is told to become another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, kw_only=True)
class ServerUser:
    """The user a server runs as; `dropped` when that is not the user who started us."""

    name: str
    uid: int
    gid: int
    dropped: bool

    @classmethod
    def current(cls) -> "ServerUser":
        """Whoever we are."""
        uid = os.geteuid()
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # containers run with user ids that no file knows
            name = str(uid)
        return cls(name=name, uid=uid, gid=os.getegid(), dropped=False)

    @classmethod
    def without_rights(cls, name: str = "nobody") -> "ServerUser":
        """Whoever we are, unless that is root: then the user called `name`.

        Raises:
            UnableToStart: this machine has no user of that name.
        """
        if os.geteuid() != 0:
            return cls.current()
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise UnableToStart(
                f"PostgreSQL does not run as root and there is no user {name!r} to run it: "
                "run as an ordinary user, or set DATABASE_URL."
            ) from None
        return cls(name=name, uid=entry.pw_uid, gid=entry.pw_gid, dropped=True)

    def run(self, argv: Sequence[str | Path], *, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a short program as this user and return what it said."""
        return subprocess.run(  # noqa: S603 - our own program names and paths, no shell
            [str(part) for part in argv],
            env=env,
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
            **self._change,
        )

    def spawn(self, argv: Sequence[str | Path], *, env: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """Start a server as this user in a session of its own, so that a Ctrl-C at the terminal does not reach it."""
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own program names and paths, no shell
                [str(part) for part in argv],
                env=env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._change,
            )

    def may_use(self, path: Path) -> bool:
        """Whether this user can get to `path` and read it, closed parent directories considered."""
        if not self.dropped:
            return os.access(path, os.R_OK)
        return self.run(["test", "-r", path], env={"PATH": os.defpath}).returncode == 0

    @property
    def _change(self) -> "_Change":
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}
