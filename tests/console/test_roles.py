import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from console.roles import ADMINISTRATOR, AUDITOR, OPERATOR, ROLES, SUPPORT, make_roles
from tenants.registry.context import enter_tenant


def held(role):
    return {
        f"{app}.{codename}"
        for app, codename in Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_exists(db, role):
    """`make_roles` leaves out what does not exist: a slip of the pen would take a right away without a word."""
    assert held(role) == ROLES[role]


def test_roles_are_what_the_code_says_after_every_migration(db):
    support = Group.objects.get(name=SUPPORT)
    support.permissions.set(Permission.objects.filter(codename="add_user"))
    Group.objects.get(name=AUDITOR).delete()
    ours = Group.objects.create(name="night shift")
    ours.permissions.set(Permission.objects.filter(codename="view_tenant"))
    call_command("migrate_schemas", shared=True, verbosity=0)
    make_roles()
    assert {role: held(role) for role in ROLES} == ROLES
    assert Group.objects.get(name=SUPPORT).pk == support.pk  # its members are still in it
    assert held("night shift") == {"registry.view_tenant"}


def test_tenants_have_no_roles_of_staff(tenant):
    with enter_tenant(tenant):
        assert not Group.objects.exists()


def test_each_role_has_the_least_it_needs():
    assert ROLES[SUPPORT] < ROLES[OPERATOR] < ROLES[ADMINISTRATOR]
    assert ROLES[AUDITOR] < ROLES[ADMINISTRATOR] | ROLES[AUDITOR]
    changing = {name for name in ROLES[AUDITOR] if ".view_" not in name}
    assert changing == set(), "an auditor changes nothing"
    powers = {"messaging.discard_deadletter", "messaging.edit_deadletter", "messaging.add_redriverun"}
    assert not powers & ROLES[SUPPORT]
    assert powers <= ROLES[OPERATOR]
    assert "audit.view_entry" in ROLES[AUDITOR] & ROLES[ADMINISTRATOR]
    assert "audit.view_entry" not in ROLES[OPERATOR]
    assert not any("identity." in name for name in ROLES[OPERATOR])
