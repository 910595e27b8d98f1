from collections.abc import Callable, Iterator

import pytest

from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import Visitor
from wildrydes.devstack.logins import Login, Logins

# Our own servers, whatever the process that runs the tests uses itself.
OWN_SERVERS = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "ENVIRONMENT": "development",
    "PUBLIC_DOMAIN": "localhost",
    "MESSAGING_LEASE_SECONDS": "5",
}


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product as real processes, with the demonstration tenants; started once for all scenarios."""
    stack = Stack(tmp_path_factory.mktemp("stack") / "var", environment=OWN_SERVERS, fsync=False)
    try:
        stack.start()
        stack.wait_healthy()
        stack.manage("sync_fleet")
        stack.manage("fleet_credentials", "--file", str(stack.layout.fleet))
        stack.manage("seed_demo")
        yield stack
    finally:
        stack.stop()
        for server in stack.servers.embedded:
            server.destroy()


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    """The product in good health, whatever the scenario before did to it."""
    running_stack.heal()
    return running_stack


@pytest.fixture
def logins(stack: Stack) -> dict[str, Login]:
    """The administrator of each demonstration tenant, by tier: basic, premium, enterprise."""
    return {login.tier: login for login in Logins.read(stack.layout.demo).tenants}


@pytest.fixture
def visit(stack: Stack, logins: dict[str, Login]) -> Callable[[str], Visitor]:
    """Log in at the tenant of a tier: `visit("basic").book()`."""

    def logged_in(tier: str) -> Visitor:
        visitor = Visitor(stack.base_url, login=logins[tier], show=lambda line: None)
        visitor.log_in()
        return visitor

    return logged_in
