import threading

import pytest
from django.db import connection, transaction
from psycopg import sql

from tenants.onboarding import dumping, templates
from tenants.onboarding.errors import UnableToDump, UnableToProvision
from tenants.onboarding.migrating import migrate_schema
from tenants.onboarding.models import SchemaTemplate
from tenants.onboarding.shape import difference, shape_of

# What somebody would write into a row to break out of it, or to be taken for the schema's name.
HOSTILE = [
    "'; DROP SCHEMA public CASCADE; --",
    "t__template_",
    "CREATE SCHEMA t__template_x;\n",
    "\\unrestrict 0123456789abcdef\n\\! touch /tmp/x",
    "$$ LANGUAGE sql; $_$ $1 %s %(x)s {} {0}",
    'E\'\\\' " "" `',
    "t_victim.identity_user public.registry_tenant",
    "line\nSET search_path = public;\nCOMMIT;\n",
]


def rows(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


@pytest.fixture
def hostile_schema(committed):
    """A schema whose data and definitions try to be more than that."""
    name = "t__template_" + "ab" * 16
    execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    execute(
        sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, note text DEFAULT 'it''s \"so\"')").format(
            sql.Identifier(name, "no te")
        )
    )
    for number, text in enumerate(HOSTILE):
        execute(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(sql.Identifier(name, "no te")), number, text)
    execute(
        sql.SQL(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM 1 FROM {}; RETURN NEW; END $f$"
        ).format(sql.Identifier(name, "check it"), sql.Identifier(name, "no te"))
    )
    execute(
        sql.SQL("CREATE TRIGGER t BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION {}()").format(
            sql.Identifier(name, "no te"), sql.Identifier(name, "check it")
        )
    )
    yield name
    execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def test_hostile_data_is_replayed_as_it_is_and_breaks_nothing(hostile_schema):
    template = SchemaTemplate(
        fingerprint="x", schema_name=hostile_schema, sql=dumping.dump_schema(hostile_schema), shape={}, build_seconds=0
    )
    tenants_before = rows("SELECT count(*) FROM public.registry_tenant")
    templates.replay(template, "t_victim")
    assert [text for (text,) in rows('SELECT note FROM t_victim."no te" ORDER BY id')] == HOSTILE
    assert rows("SELECT count(*) FROM public.registry_tenant") == tenants_before
    # The function's body speaks of the new schema, and its trigger works without the old one.
    execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(hostile_schema)))
    execute("""INSERT INTO t_victim."no te" VALUES (99, 'x')""")


@pytest.mark.parametrize(
    "name",
    [
        "public",
        "pg_temp",
        "t_",
        "t__x",
        't_a"; DROP SCHEMA public; --',
        "t_A" * 5,
        "t_" + "a" * 62,
        "t_ab\n",
        "t_a b c",
    ],
)
def test_no_other_name_than_a_tenants_gets_into_the_sql(db, name):
    with pytest.raises(UnableToProvision):
        templates.replay(templates.current_template(), name)


def test_a_replay_equals_plain_migrations(db):
    template, built = templates.ensure_template()
    assert not built
    with transaction.atomic():
        templates.replay(template, "t_replayed")
        migrated = shape_of_migrated("t_migrated")
        assert difference(migrated, shape_of("t_replayed")) == ""
        assert difference(template.shape, migrated) == ""


def shape_of_migrated(schema):
    execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    migrate_schema(schema)
    return shape_of(schema)


def test_a_difference_is_named(db):
    template = templates.current_template()
    templates.replay(template, "t_changed")
    execute("ALTER TABLE t_changed.bookings_booking ADD COLUMN extra int")
    execute("ALTER TABLE t_changed.identity_user ALTER COLUMN name TYPE text")
    assert "columns instead of" in difference(template.shape, shape_of("t_changed"))


def test_nothing_is_left_of_a_replay_that_fails(db):
    template = templates.current_template()
    template.sql += "\nSELECT 1 / 0;"
    with pytest.raises(Exception, match="division by zero"), transaction.atomic():
        templates.replay(template, "t_halfmade")
    assert not templates.schema_exists("t_halfmade")
    assert rows("SHOW search_path") == [("public",)]


def test_settings_of_a_dump_do_not_outlive_its_replay(db):
    before = rows("SELECT name, setting FROM pg_settings WHERE source = 'session' OR name = 'search_path' ORDER BY 1")
    templates.replay(templates.current_template(), "t_clean")
    connection.set_schema_to_public()
    after = rows("SELECT name, setting FROM pg_settings WHERE source = 'session' OR name = 'search_path' ORDER BY 1")
    assert {name: value for name, value in after if name != "check_function_bodies"} == dict(before)


def test_many_that_need_the_template_build_it_once_and_clean_up_after_the_dead(committed):
    SchemaTemplate.objects.all().delete()
    execute("CREATE SCHEMA t__template_left_by_a_dead_worker")
    built = []

    def run():
        built.append(templates.ensure_template()[1])
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(built) == [False, False, True]
    assert SchemaTemplate.objects.count() == 1
    assert rows("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 't__template')") == []


def test_a_pg_dump_that_is_too_old_is_named_with_what_to_install(db, monkeypatch, tmp_path):
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    monkeypatch.setattr(dumping, "postgres_programs", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UnableToDump, match="postgresql-client-"):
        dumping.dump_schema("public")
