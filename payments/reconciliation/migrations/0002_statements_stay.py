"""Statements are written once."""

from django.db import migrations

GUARD = """
CREATE FUNCTION reconciliation_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement stays as it was written: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'What was booked later is in a later statement.';
END
$$;

CREATE TRIGGER reconciliation_statement_keeps BEFORE UPDATE OR DELETE ON reconciliation_statement
    FOR EACH ROW EXECUTE FUNCTION reconciliation_refuse_change();
CREATE TRIGGER reconciliation_statement_whole BEFORE TRUNCATE ON reconciliation_statement
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_refuse_change();
"""

UNGUARD = """
DROP TRIGGER reconciliation_statement_keeps ON reconciliation_statement;
DROP TRIGGER reconciliation_statement_whole ON reconciliation_statement;
DROP FUNCTION reconciliation_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
