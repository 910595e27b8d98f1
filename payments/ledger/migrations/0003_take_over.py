"""The books begin with what the totals say: each booking's fare, capture, debt and refund, dated as they were settled.

Reads and inserts only, so nobody waits for it. What processes of the version before move while it runs is taken over afterwards
by `manage.py ledger adopt`.
"""

from django.db import migrations

TAKE_OVER = """
WITH known AS (
    SELECT t.*, c.id AS charge_id, c.currency, c.provider_ref, c.settled_at, c.created_at,
           r.provider_ref AS refund_ref, r.settled_at AS refunded_at, r.id AS refund_id
      FROM payments_totals t
      JOIN payments_charge c ON c.booking_id = t.booking_id
      LEFT JOIN payments_refund r ON r.charge_id = c.id AND r.state = 'succeeded'
), facts AS (
    SELECT gen_random_uuid() AS id, 'captured' AS kind, booking_id, 'captured:' || charge_id AS once,
           provider_ref, coalesce(settled_at, created_at) AS at, currency, captured_minor AS minor
      FROM known WHERE captured_minor > 0
    UNION ALL
    SELECT gen_random_uuid(), 'credit_given', booking_id, 'credit:' || charge_id, '',
           coalesce(settled_at, created_at), currency, credit_minor
      FROM known WHERE credit_minor > 0
    UNION ALL
    SELECT gen_random_uuid(), 'refunded', booking_id, 'refunded:' || refund_id, refund_ref,
           coalesce(refunded_at, created_at), currency, refunded_minor
      FROM known WHERE refunded_minor > 0 AND refund_id IS NOT NULL
), entries AS (
    INSERT INTO ledger_entry (id, kind, booking_id, once, provider_ref, occurred_at)
    SELECT id, kind, booking_id, once, provider_ref, at FROM facts
    RETURNING id
)
INSERT INTO ledger_entryline (entry_id, account, amount_minor, currency)
SELECT f.id, l.account, l.sign * f.minor, f.currency
  FROM facts f
  JOIN entries e ON e.id = f.id
  JOIN (VALUES ('captured', 'receivable', 1), ('captured', 'revenue', -1),
               ('captured', 'provider', 1), ('captured', 'receivable', -1),
               ('credit_given', 'receivable', 1), ('credit_given', 'revenue', -1),
               ('credit_given', 'store_credit', 1), ('credit_given', 'receivable', -1),
               ('refunded', 'receivable', -1), ('refunded', 'refunds', 1),
               ('refunded', 'provider', -1), ('refunded', 'receivable', 1)) AS l (kind, account, sign)
    ON l.kind = f.kind
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards"), ("payments", "0002_find_by_reference")]
    operations = [migrations.RunSQL(TAKE_OVER, migrations.RunSQL.noop)]
