"""What import-linter cannot see: string foreign keys, models fetched by name, tasks sent by name, other ways into a schema."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey, ManyToManyField

ROOT = Path(__file__).parent.parent
PACKAGES = [
    *(
        "api",
        "audit",
        "bookings",
        "console",
        "fleet",
        "loyalty",
        "messaging",
        "notifications",
        "payments",
        "rfq",
        "tenants",
    ),
    "wildrydes",
]
OURS = {
    "registry": "tenants.registry",
    "identity": "tenants.identity",
    "accounts": "tenants.accounts",
    "onboarding": "tenants.onboarding",
    "staff": "tenants.staff",
    "journal": "messaging.journal",
    "ledger": "payments.ledger",
    "reconciliation": "payments.reconciliation",
}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text())


def layer_of(package: str) -> int:
    """How high a package stands: 0 is the top."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    for height, layer in enumerate(contract["layers"]):
        for member in layer.split("|"):
            name = member.strip(" ()")
            if package == name or package.startswith(f"{name}."):
                return height
    raise AssertionError(f"{package} is in no layer")


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_models_refer_to_models_of_their_own_layer_or_lower():
    for model in apps.get_models():
        if model._meta.app_label not in OURS and model.__module__.split(".")[0] not in PACKAGES:
            continue
        for field in model._meta.get_fields():
            if (
                isinstance(field, ForeignKey | ManyToManyField)
                and field.related_model.__module__.split(".")[0] in PACKAGES
            ):
                here, there = (
                    model.__module__.removesuffix(".models"),
                    field.related_model.__module__.removesuffix(".models"),
                )
                assert layer_of(here) <= layer_of(there), f"{model.__name__}.{field.name} points up, to {there}"


def test_no_foreign_key_crosses_between_a_tenants_schema_and_public():
    shared = {
        apps.get_app_config(config.label).name
        for config in apps.get_app_configs()
        if config.name in settings.SHARED_APPS
    }
    tenants = {config.name for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    for model in apps.get_models():
        here = apps.get_app_config(model._meta.app_label).name
        if here.split(".")[0] not in PACKAGES:
            continue
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey | ManyToManyField):
                there = apps.get_app_config(field.related_model._meta.app_label).name
                both_shared = here in shared and there in shared
                both_tenant = here in tenants and there in tenants
                assert both_shared or both_tenant, f"{model.__name__}.{field.name} crosses from {here} to {there}"


@pytest.mark.parametrize(
    "forbidden", ["apps.get_model", ".signature", "connection.set_tenant", "connection.set_schema"]
)
def test_nobody_goes_around_the_imports(forbidden):
    # Migrating a schema that is no tenant yet has no other way in.
    allowed = {"tenants/onboarding/migrating.py"} if forbidden == "connection.set_schema" else set()
    found = {str(path) for path, tree in sources() for call in calls(tree) if called(call).endswith(forbidden)}
    assert found <= allowed


def test_tasks_are_sent_from_the_outbox_alone():
    found = {
        str(path)
        for path, tree in sources()
        for call in calls(tree)
        if called(call).endswith((".send_task", ".apply_async", ".delay", "producer.publish"))
    }
    # A retry policy's delay is arithmetic.
    assert {path for path in found if path != "messaging/consuming.py"} == {"messaging/outbox.py"}


def test_only_the_registry_enters_schemas():
    """Code that goes around it could leave the search path on another tenant."""
    allowed = {"tenants/registry/context.py"}
    for path, tree in sources():
        for node in ast.walk(tree):
            names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            if names & {"schema_context", "tenant_context"}:
                assert str(path) in allowed, f"{path} enters schemas by itself"


def test_files_are_short():
    long = {str(path): count for path, _ in sources() if (count := len((ROOT / path).read_text().splitlines())) > 300}
    assert long == {}, "split these by subject"


def test_functions_are_short():
    found = []
    for path, tree in sources():
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        found += [f"{path}:{node.name}" for node in functions if node.end_lineno - node.lineno >= 50]
    assert found == []


def test_modules_that_must_stay_empty_are():
    """`wildrydes/__init__.py` importing anything makes every layer hang on it."""
    assert (ROOT / "wildrydes" / "__init__.py").read_text() == ""


# What is shown, logged, measured or told to others; nothing that decides about our own rows.
PROCESS_CLOCK = {
    "wildrydes/kernel/clock.py",
    "fleet/tokens.py",  # a token's times are those of whoever signs it, as for tenants' tokens
    "messaging/exporter.py",  # a process that was paused shows it by the two clocks drifting apart
    "messaging/journal/retention.py",  # it compares the two clocks, and deletes nothing where they disagree
    "rfq/pushing.py",  # a webhook's signature carries the sender's time
    "tenants/staff/pages.py",  # one-time codes are made by the clock of a telephone
    "tenants/staff/sessions.py",  # a session's seconds, in its own cookie's store
    "notifications/gateway.py",  # a webhook's signature carries the sender's time
    "tenants/identity/throttling.py",  # Retry-After of a window that Redis keeps
}


def test_what_decides_uses_the_databases_clock():
    """Clocks of processes differ; a deadline or a lease by one of them would end early or late for another."""
    packages = ("api", "bookings", "fleet", "loyalty", "messaging", "notifications", "payments", "rfq", "tenants")
    clocks = ("utcnow", "time.time", "datetime.now", "datetime.today", "date.today", "timezone.now", "localtime")
    found = {
        str(path)
        for path, tree in sources()
        if path.parts[0] in packages
        for call in calls(tree)
        if called(call) in clocks or called(call).endswith(tuple(f".{clock}" for clock in clocks))
    }
    assert found <= PROCESS_CLOCK, "ask the database, or say here why not"
