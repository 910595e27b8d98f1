"""A caller of the sample endpoints."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from api import admission
from api.operations.views import OperationDetail, OperationList
from tenants.registry.directory import TenantRef
from tests.api.sample import SampleAuthentication


class Caller:
    """A user of a tenant, calling its host."""

    def __init__(
        self, tenant: TenantRef, *, role: str = "rider", user_id: UUID | None = None, token_of: TenantRef | None = None
    ):
        self.user_id = user_id or uuid4()
        self.role = role
        self.tenant = tenant
        credentials = f"Sample {self.user_id} {role} {(token_of or tenant).id}"
        self.client = Client(
            raise_request_exception=False, headers={"host": f"{tenant.slug}.localhost", "authorization": credentials}
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=_names(headers))

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(path, headers=_names(headers))

    def post(self, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
        return self.client.post(path, data=body, content_type=content_type, headers=_names(headers))


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(autouse=True)
def sample_endpoints(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.api.sample"
    settings.WHITENOISE_USE_FINDERS = False  # each new client would scan all static files
    for view in (OperationDetail, OperationList):
        monkeypatch.setattr(view, "authentication_classes", [SampleAuthentication])
    admission._counts.forget()
    yield
    admission._counts.forget()


@pytest.fixture
def caller(tenant: TenantRef) -> Caller:
    return Caller(tenant)
