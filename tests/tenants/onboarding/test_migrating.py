import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.onboarding.locks import LockBusy, advisory_lock
from tenants.onboarding.migrating import migrate_schemas, schemas_behind, tenant_schemas
from tenants.onboarding.models import SchemaTemplate


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def put_back(schema):
    """As if the schema had not seen the newest migration of accounts."""
    execute(f"DROP TABLE {schema}.accounts_usersettings, {schema}.accounts_tenantsettings")
    execute(f"DROP TABLE {schema}.accounts_billingmember, {schema}.accounts_billingaccount")
    execute(f"DELETE FROM {schema}.django_migrations WHERE app = 'accounts'")


def run(**options):
    out = io.StringIO()
    try:
        call_command("migrate_tenants", stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_a_few_statements_find_those_behind_however_many_there_are(db, django_assert_max_num_queries):
    assert tenant_schemas() == ["t_acme", "t_globex"]
    assert schemas_behind(tenant_schemas()) == []
    put_back("t_globex")
    with django_assert_max_num_queries(4):
        assert schemas_behind(tenant_schemas()) == ["t_globex"]


def test_a_tenant_without_a_schema_is_left_alone(db):
    execute("DROP SCHEMA t_globex CASCADE")
    assert tenant_schemas() == ["t_acme"]


def test_nothing_to_do_is_told_in_a_line(db):
    said, failure = run()
    assert "2 tenants, 0 behind." in said
    assert not failure


def test_what_is_behind_is_brought_up_to_date(committed):
    put_back("t_globex")
    assert run(check=True)[1] == "Behind: t_globex"
    said, failure = run(jobs=2)
    assert "✓ t_globex" in said
    assert "t_acme" not in said
    assert not failure
    assert schemas_behind(tenant_schemas()) == []


def test_one_that_fails_is_named_and_stops_no_other(committed):
    put_back("t_acme")
    put_back("t_globex")
    execute("CREATE TABLE t_acme.accounts_usersettings (id int)")
    said, failure = run(jobs=2)
    assert "✓ t_globex" in said
    assert failure.startswith("1 could not be migrated")
    assert "t_acme: ProgrammingError: relation" in failure
    assert schemas_behind(tenant_schemas()) == ["t_acme"]


def test_a_statement_does_not_wait_for_the_running_service_for_ever(committed):
    put_back("t_acme")
    execute("BEGIN")
    try:
        execute("LOCK TABLE t_acme.django_migrations IN ACCESS EXCLUSIVE MODE")
        holder, connection.connection = connection.connection, None
        (outcome,) = migrate_schemas(["t_acme"], jobs=1, lock_timeout_seconds=0.3)
    finally:
        holder.close()
    assert "lock timeout" in outcome.error


@pytest.mark.parametrize(
    "options", [{"jobs": 0}, {"lock_timeout": 0.0}, {"tenant": ["nobody"]}, {"tenant": ["public"]}]
)
def test_an_operators_mistake_is_told_in_a_line(db, options):
    _, failure = run(**options)
    assert failure
    assert "\n" not in failure


def test_a_new_template_is_built_on_the_way(committed):
    SchemaTemplate.objects.all().delete()
    said, failure = run()
    assert "template for new tenants was built" in said
    assert not failure
    assert SchemaTemplate.objects.count() == 1


def test_a_lock_is_held_against_others_and_given_back(committed):
    with advisory_lock("x", wait_seconds=0):
        holder, connection.connection = connection.connection, None
        try:
            with pytest.raises(LockBusy), advisory_lock("x", wait_seconds=0):
                pass
        finally:
            connection.close()
            connection.connection = holder
    with advisory_lock("x", wait_seconds=0):
        pass
