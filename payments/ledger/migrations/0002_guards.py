"""Entries balance when their transaction commits, and stay as they were written.

The functions name no schema but that of the table they guard, so that a dump replayed elsewhere works there unchanged.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION ledger_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW) ->> 'id')::uuid
                                     ELSE (to_jsonb(NEW) ->> 'entry_id')::uuid END;
    lines bigint;
    wrong text;
BEGIN
    EXECUTE format(
        'SELECT coalesce(sum(n), 0), string_agg(currency || '' '' || total, '', '') FILTER (WHERE total <> 0)
           FROM (SELECT currency, count(*) AS n, sum(amount_minor) AS total
                   FROM %I.ledger_entryline WHERE entry_id = $1 GROUP BY currency) AS sums', TG_TABLE_SCHEMA)
       INTO lines, wrong USING entry;
    IF lines < 2 OR wrong IS NOT NULL THEN
        RAISE EXCEPTION 'ledger entry % does not balance: % lines, %', entry, lines, coalesce(wrong, 'nothing booked')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Book a second entry that puts it right.';
END
$$;

CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_entry();
CREATE CONSTRAINT TRIGGER ledger_entryline_balances AFTER INSERT ON ledger_entryline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_entry();

CREATE TRIGGER ledger_entry_keeps BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_entry_whole BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_entryline_keeps BEFORE UPDATE OR DELETE ON ledger_entryline
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_entryline_whole BEFORE TRUNCATE ON ledger_entryline
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
"""

UNGUARD = """
DROP TRIGGER ledger_entry_balances ON ledger_entry;
DROP TRIGGER ledger_entry_keeps ON ledger_entry;
DROP TRIGGER ledger_entry_whole ON ledger_entry;
DROP TRIGGER ledger_entryline_balances ON ledger_entryline;
DROP TRIGGER ledger_entryline_keeps ON ledger_entryline;
DROP TRIGGER ledger_entryline_whole ON ledger_entryline;
DROP FUNCTION ledger_check_entry();
DROP FUNCTION ledger_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
