"""`python tools/probe.py URL`: a container's health check. Exit 0 when well, else 1 and the reasons.

It starts in a fraction of what Django takes: it runs every few seconds in every container.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Any

_SECONDS = 4


def main(url: str) -> int:
    """Ask, and say in words what is wrong."""
    request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310  # the operator's own address
    code = 0
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        code, told = 1, _read(error)
    except (OSError, ValueError) as error:
        sys.stdout.write(f"{url} does not answer: {error}\n")
        return 1
    wrong = [f"{name}: {state}" for name, state in told.items() if name not in ("process", "status") and state != "ok"]
    sys.stdout.write("; ".join([str(told.get("status", "?")), *wrong]) + "\n")
    return code


def _read(refused: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.load(refused)
    except (OSError, ValueError):
        return {"status": f"answered {refused.code}"}
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
