"""Where a server keeps its data and its socket: beside the checkout, unless the user it runs as cannot get there."""

import hashlib
import os
import re
import stat
from pathlib import Path

from wildrydes.embedded._users import ServerUser
from wildrydes.embedded.errors import UnableToStart

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 103
# Characters that pass through URLs and command lines as they are.
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
# Written by root alone: the place for data when the checkout is closed to the user without rights.
SHARED_DATA = Path("/var/lib/wildrydes/data")
# Not tempfile.gettempdir(): that may be a long path, and length is why we come here.
SHORT_PLACE = Path("/tmp")  # noqa: S108 - the directory made there is private and its owner is checked


def home_for(data_dir: Path, user: ServerUser) -> Path:
    """The directory that holds the server's files: `data_dir`, or a stand-in that `user` can reach.

    Raises:
        UnableToStart: no such directory can be made, or it belongs to somebody else.
    """
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if _handed_over(data_dir, user):
            return data_dir
        name = f"{data_dir.name}-{_fingerprint(data_dir)}"
        home = SHARED_DATA / name
        home.mkdir(parents=True, exist_ok=True)
        _handed_over(home, user)
        (data_dir / "MOVED").write_text(f"The data is in {home}: user {user.name} cannot get here.\n")
    except OSError as error:
        raise UnableToStart(
            f"{error.filename or data_dir}: {error.strerror}: make it writable, or set WILDRYDES_VAR to another place."
        ) from error
    return home


def socket_dir_for(home: Path, user: ServerUser, *, socket_name: str) -> Path:
    """A private directory with a path short and plain enough for a socket and for URLs.

    Raises:
        UnableToStart: somebody else has taken the place.
    """
    place = home / "run"
    if len(os.fsencode(place / socket_name)) > LONGEST_SOCKET_PATH or not PLAIN_PATH.fullmatch(str(place)):
        place = SHORT_PLACE / f"wildrydes-{user.uid}-{_fingerprint(home)}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid in {user.uid, os.geteuid()}:
            _handed_over(place, user)
            return place
    except OSError as error:
        raise UnableToStart(f"{place}: {error.strerror}: remove it, then start again.") from error
    raise UnableToStart(f"{place} belongs to somebody else: remove it, then start again.")


def _handed_over(path: Path, user: ServerUser) -> bool:
    """Give `path` to the user and keep everybody else out; whether the user can then get in."""
    owner = path.stat().st_uid
    if not user.dropped and owner != user.uid:
        raise UnableToStart(
            f"{path} belongs to user id {owner}: start as that user, or remove it (`make reset`) as that user."
        )
    os.chown(path, user.uid, user.gid)
    path.chmod(0o700)
    return user.may_use(path)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
