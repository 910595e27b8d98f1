"""Whether a process is well: by asking it over HTTP, or by the file it touches."""

import http.client
import time
from pathlib import Path
from urllib.parse import urlsplit

from wildrydes.devstack.processes import ProcessSpec

ANSWER_SECONDS = 3.0
# Three beats of the five-second pulse that background processes keep.
FRESH_SECONDS = 15.0


def is_well(spec: ProcessSpec, *, health_file: Path) -> bool:
    """Whether the process says that it is well, now."""
    if spec.health_url is not None:
        return answers(spec.health_url)
    return is_fresh(health_file)


def answers(url: str) -> bool:
    """Whether a GET is answered with 200. Proxies of the environment are none of a loopback's business."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_fresh(path: Path) -> bool:
    """Whether the file was touched a moment ago."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS
    except OSError:
        return False
