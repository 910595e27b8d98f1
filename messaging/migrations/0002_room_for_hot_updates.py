"""Leave room on each page, so that claims and heartbeats stay heap-only updates; vacuum a table that turns over quickly."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE messaging_delivery SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)",
            "ALTER TABLE messaging_delivery RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
        ),
    ]
