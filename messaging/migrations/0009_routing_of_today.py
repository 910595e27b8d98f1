"""What was chosen by the tier's and the tenant's field becomes rows; enterprise gets a queue for each of its tenants.

The fields are read as columns: the registry's state does not know them any more, its tables keep them until no old code runs.
"""

from django.db import migrations

WRITE = """
    INSERT INTO messaging_routingstate (id, generation) VALUES (1, 0) ON CONFLICT DO NOTHING;
    INSERT INTO messaging_routingchoice (id, tier_id, queue_class, strategy, options)
    SELECT gen_random_uuid(), code, '', routing_strategy, '{}' FROM registry_tier WHERE routing_strategy <> 'tiered'
    ON CONFLICT DO NOTHING;
    INSERT INTO messaging_routingchoice (id, tenant_id, queue_class, strategy, options)
    SELECT gen_random_uuid(), id, '', routing_strategy, '{}' FROM registry_tenant WHERE routing_strategy <> ''
    ON CONFLICT DO NOTHING;
    INSERT INTO messaging_routingchoice (id, tier_id, queue_class, strategy, options)
    SELECT gen_random_uuid(), code, '', 'tiered', '{"per_tenant": 1}' FROM registry_tier WHERE code = 'enterprise'
    ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_routing"), ("registry", "0003_store_credit_per_user")]
    operations = [migrations.RunSQL(WRITE, migrations.RunSQL.noop)]
