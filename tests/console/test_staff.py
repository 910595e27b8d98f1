import pytest
from django.contrib.auth.models import Group, Permission
from django.utils.timezone import now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from console.roles import ADMINISTRATOR, OPERATOR, ROLES, SUPPORT
from tenants.identity.models import User
from tests.console.conftest import browser, member, reverse


@pytest.fixture
def administrator(db):
    return browser(role=ADMINISTRATOR)


def at(user):
    return reverse("admin:identity_user_change", args=(user.pk,))


def form(user, **changed):
    kept = {"email": user.email, "name": "", "is_active": "on", "is_staff": "on", "groups": []}
    return kept | changed


def test_an_administrator_gives_roles(administrator):
    bob = member()
    roles = Group.objects.filter(name__in=(SUPPORT, OPERATOR))
    assert administrator.post(at(bob), form(bob, groups=[role.pk for role in roles])).status_code == 302
    assert set(bob.groups.values_list("name", flat=True)) == {SUPPORT, OPERATOR}
    offered = administrator.get(at(bob)).context["adminform"].form.fields["groups"].queryset
    assert set(ROLES) <= set(offered.values_list("name", flat=True))


def test_nobody_gives_more_than_they_have(administrator):
    bob = member()
    mighty = Group.objects.create(name="mighty")
    mighty.permissions.add(Permission.objects.get(codename="delete_tenant"))
    given = form(bob, groups=[mighty.pk], is_superuser="on", user_permissions=[Permission.objects.first().pk])
    administrator.post(at(bob), given)
    administrator.post(at(bob), form(bob, is_superuser="on", user_permissions=[Permission.objects.first().pk]))
    bob.refresh_from_db()
    assert not bob.is_superuser
    assert not bob.groups.exists()
    assert not bob.user_permissions.exists()


@pytest.mark.parametrize("is_active", [True, False], ids=["active", "locked"])
@pytest.mark.parametrize("power", ["superuser", "group", "permission"])
def test_who_may_do_more_is_not_touched(administrator, power, is_active):
    boss = member(superuser=power == "superuser")
    right = Permission.objects.get(codename="delete_tenant")
    if power == "group":
        group = Group.objects.create(name="mighty")
        group.permissions.add(right)
        boss.groups.add(group)
    if power == "permission":
        boss.user_permissions.add(right)
    User.objects.filter(pk=boss.pk).update(is_active=is_active, password="unchanged")
    new = {"password1": "a new long phrase 1", "password2": "a new long phrase 1", "usable_password": "true"}
    assert administrator.post(at(boss), form(boss, email="mine@staff.example")).status_code == 403
    assert administrator.post(reverse("admin:auth_user_password_change", args=(boss.pk,)), new).status_code == 403
    boss.refresh_from_db()
    assert (boss.email != "mine@staff.example", boss.password) == (True, "unchanged")


def test_roles_themselves_are_code(administrator):
    support = Group.objects.get(name=SUPPORT)
    change = reverse("admin:auth_group_change", args=(support.pk,))
    assert administrator.post(change, {"name": "mine", "permissions": []}).status_code == 403


def test_a_job_is_switched_off_and_nothing_else(db):
    every = IntervalSchedule.objects.create(every=5, period="seconds")
    job = PeriodicTask.objects.create(name="job", task="messaging.scheduled_job", interval=every, args='["a"]')
    page = reverse("admin:django_celery_beat_periodictask_change", args=(job.pk,))
    operator = browser(role=OPERATOR)
    forged = {"task": "os.system", "args": '["rm"]', "name": "mine", "queue": "x", "last_run_at": str(now())}
    assert operator.post(page, forged).status_code == 302
    job.refresh_from_db()
    assert (job.enabled, job.task, job.args, job.name, job.queue) == (
        False,
        "messaging.scheduled_job",
        '["a"]',
        "job",
        None,
    )
    listed = reverse("admin:django_celery_beat_periodictask_changelist")
    for act in ("run_tasks", "enable_tasks", "toggle_tasks", "delete_selected"):
        operator.post(listed, {"action": act, "_selected_action": [job.pk], "post": "yes"})
    job.refresh_from_db()
    assert (job.enabled, job.last_run_at) == (False, None)
