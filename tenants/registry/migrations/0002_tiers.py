"""The three tiers that are sold. Support staff change their policies in the Admin."""

from django.db import migrations

TIERS = [
    {"code": "basic", "name": "Basic", "requests_per_minute": 120, "max_backlog": 500, "service_level_seconds": 120,
     "payment_failure_outcome": "fail", "store_credit_limit_minor": 0},
    {"code": "premium", "name": "Premium", "requests_per_minute": 600, "max_backlog": 2_000, "service_level_seconds": 30,
     "payment_failure_outcome": "store_credit", "store_credit_limit_minor": 500_00},
    {"code": "enterprise", "name": "Enterprise", "requests_per_minute": 3_000, "max_backlog": 10_000, "service_level_seconds": 10,
     "payment_failure_outcome": "store_credit", "store_credit_limit_minor": 5_000_00},
]


def create(apps, schema_editor):
    tier = apps.get_model("registry", "Tier")
    for fields in TIERS:
        tier.objects.get_or_create(code=fields["code"], defaults=fields)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
