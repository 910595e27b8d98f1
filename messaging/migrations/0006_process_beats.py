"""Which processes there are. A table nobody reads yet: safe beside code that does not know it."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_chain")]
    operations = [
        migrations.CreateModel(
            name="ProcessBeat",
            fields=[
                ("name", models.CharField(help_text="Kind, host and process number.", max_length=150, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("about", models.CharField(blank=True, help_text="What it serves: a worker's tiers.", max_length=100)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seen_at", models.DateTimeField()),
            ],
        ),
    ]
