"""Routing is chosen by rows of `messaging`. The columns stay, with defaults, until no process runs code that reads them."""

from django.db import migrations

KEEP = """
    ALTER TABLE registry_tier ALTER COLUMN routing_strategy SET DEFAULT 'tiered';
    ALTER TABLE registry_tenant ALTER COLUMN routing_strategy SET DEFAULT '';
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_fair_shares")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(KEEP, migrations.RunSQL.noop)],
            state_operations=[
                migrations.RemoveField("tier", "routing_strategy"),
                migrations.RemoveField("tenant", "routing_strategy"),
            ],
        )
    ]
