"""Append-only by trigger: messages, traces and segments stay as they were written.

Deleting takes `wildrydes.journal_purge`, set for the transaction: `segment 17` lets go the messages of segment 17 once the
same transaction has marked it as purged; `traces` lets go traces. Nothing younger than a day ever goes. The function names no schema but that of the
table it guards, so that a dump replayed elsewhere works there unchanged, and whatever the search path is.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION journal_guard_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gate text := coalesce(current_setting('wildrydes.journal_purge', true), '');
    segment bigint := substring(gate FROM '^segment ([0-9]{1,18})$')::bigint;
    refused boolean;
BEGIN
    IF TG_TABLE_NAME = 'journal_trace' THEN
        SELECT count(*) > 0 AND (gate <> 'traces' OR max(finished_at) > now() - interval '1 day') INTO refused FROM gone;
    ELSE
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM gone WHERE NOT EXISTS (
                SELECT FROM %I.journal_segment s
                 WHERE s.number = $1 AND s.purged_at = now()
                   AND greatest(s.sealed_at, s.last_at) <= now() - interval ''1 day''
                   AND (gone.position, gone.id) > (s.after_position, s.after_id)
                   AND (gone.position, gone.id) <= (s.upto_position, s.upto_id)))',
            TG_TABLE_SCHEMA) INTO refused USING segment;
    END IF;
    IF refused THEN
        RAISE EXCEPTION 'the journal is append-only: DELETE on % is refused', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', HINT = 'Retention deletes traces, and messages of sealed segments.';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION journal_guard_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.purged_at IS NULL AND NEW.purged_at = now() AND NEW.leaves IS NULL
       AND current_setting('wildrydes.journal_purge', true) = 'segment ' || OLD.number
       AND greatest(OLD.sealed_at, OLD.last_at) <= now() - interval '1 day'
       AND to_jsonb(NEW) - 'purged_at' - 'leaves' = to_jsonb(OLD) - 'purged_at' - 'leaves'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the journal is append-only: a segment is purged once, by retention, and not changed otherwise'
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER journal_message_keeps BEFORE UPDATE ON journal_message
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER journal_message_stays AFTER DELETE ON journal_message
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION journal_guard_delete();
CREATE TRIGGER journal_message_whole BEFORE TRUNCATE ON journal_message
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();

CREATE TRIGGER journal_trace_keeps BEFORE UPDATE ON journal_trace
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER journal_trace_stays AFTER DELETE ON journal_trace
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION journal_guard_delete();
CREATE TRIGGER journal_trace_whole BEFORE TRUNCATE ON journal_trace
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();

CREATE TRIGGER journal_segment_keeps BEFORE UPDATE ON journal_segment
    FOR EACH ROW EXECUTE FUNCTION journal_guard_segment();
CREATE TRIGGER journal_segment_stays BEFORE DELETE ON journal_segment
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER journal_segment_whole BEFORE TRUNCATE ON journal_segment
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();

ALTER TABLE journal_segment ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE journal_message SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE journal_trace SET (autovacuum_vacuum_scale_factor = 0.05);
"""

UNGUARD = """
DROP TRIGGER journal_message_keeps ON journal_message;
DROP TRIGGER journal_message_stays ON journal_message;
DROP TRIGGER journal_message_whole ON journal_message;
DROP TRIGGER journal_trace_keeps ON journal_trace;
DROP TRIGGER journal_trace_stays ON journal_trace;
DROP TRIGGER journal_trace_whole ON journal_trace;
DROP TRIGGER journal_segment_keeps ON journal_segment;
DROP TRIGGER journal_segment_stays ON journal_segment;
DROP TRIGGER journal_segment_whole ON journal_segment;
DROP FUNCTION journal_guard_segment();
DROP FUNCTION journal_guard_delete();
DROP FUNCTION journal_refuse_change();
ALTER TABLE journal_message RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE journal_trace RESET (autovacuum_vacuum_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0005_segment")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
