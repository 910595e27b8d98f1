"""All HTTP to the outside goes through the one client: nobody else may import a library that speaks it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FORBIDDEN = {"urllib3", "requests", "httpx", "aiohttp", "http.client", "urllib.request", "pycurl", "websockets"}
EXEMPT = (
    "wildrydes/kernel/http/",  # the door itself
    "wildrydes/devstack/",  # development's process manager looks at its own processes on loopback
    "tools/probe.py",  # a health check asks its own container
    "chaos/",  # the harness stands outside the product
    "simulators/",  # the outside world
    "tests/",
    "bench/",
)


def modules() -> list[str]:
    found = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if not _hidden(path))
    return sorted(name for name in found if not name.startswith(EXEMPT))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in ("var", "node_modules") for part in path.relative_to(ROOT).parts)


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update({node.module} | {f"{node.module}.{alias.name}" for alias in node.names})
    return {each for each in names if any(each == bad or each.startswith(bad + ".") for bad in FORBIDDEN)}


@pytest.mark.parametrize("name", modules())
def test_nobody_else_speaks_http(name: str) -> None:
    found = imported((ROOT / name).read_text())
    assert not found, f"{name} imports {sorted(found)}; use wildrydes.kernel.http.outbound_client()"


def test_the_detector_detects() -> None:
    source = "def f():\n    from urllib import request\n    import requests.adapters\n    from http.client import X\n"
    assert imported(source) == {"urllib.request", "requests.adapters", "http.client", "http.client.X"}
