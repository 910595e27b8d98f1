import pytest

from tenants.registry.directory import forget


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Tenants of an earlier test, rolled back since, are not remembered by this process."""
    forget()
