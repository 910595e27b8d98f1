"""The database refuses every change of state that is none of the declared ones; a test compares the two.

The function names no table, so that a dump of one schema replayed into another works there unchanged.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION rfq_guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'open' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a request begins as open, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.state || '>' || NEW.state) NOT IN (
        'open>closed',
        'open>accepted',
        'open>withdrawn',
        'closed>accepted',
        'closed>withdrawn',
        'accepted>closed'
    ) THEN
        RAISE EXCEPTION 'a request cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER rfq_state_begins BEFORE INSERT ON rfq_rfq
    FOR EACH ROW EXECUTE FUNCTION rfq_guard_state();
CREATE TRIGGER rfq_state_moves BEFORE UPDATE OF state ON rfq_rfq
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION rfq_guard_state();
"""

UNGUARD = """
DROP TRIGGER rfq_state_moves ON rfq_rfq;
DROP TRIGGER rfq_state_begins ON rfq_rfq;
DROP FUNCTION rfq_guard_state();
"""


class Migration(migrations.Migration):
    dependencies = [("rfq", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
