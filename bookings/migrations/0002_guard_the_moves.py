"""The database refuses every change of state that the saga's table does not have; a test compares the two.

The function names no table, so that a dump of one schema replayed into another works there unchanged.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION bookings_guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'requested' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a booking begins as requested, not as %', NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.state || '>' || NEW.state) NOT IN (
        'requested>paying',
        'requested>failed',
        'requested>cancelled',
        'paying>confirmed',
        'paying>failing',
        'paying>failed',
        'paying>cancelling',
        'confirmed>completed',
        'confirmed>cancelling',
        'cancelling>cancelled',
        'failing>failed'
    ) THEN
        RAISE EXCEPTION 'a booking cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER bookings_state_begins BEFORE INSERT ON bookings_booking
    FOR EACH ROW EXECUTE FUNCTION bookings_guard_state();
CREATE TRIGGER bookings_state_moves BEFORE UPDATE OF state ON bookings_booking
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION bookings_guard_state();
"""

UNGUARD = """
DROP TRIGGER bookings_state_moves ON bookings_booking;
DROP TRIGGER bookings_state_begins ON bookings_booking;
DROP FUNCTION bookings_guard_state();
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
