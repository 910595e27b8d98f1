"""What was chosen by the tier's and the tenant's field becomes rows; enterprise gets a queue for each of its tenants."""

from django.db import migrations


def write(apps, schema_editor):
    choice = apps.get_model("messaging", "RoutingChoice")
    tier, tenant = apps.get_model("registry", "Tier"), apps.get_model("registry", "Tenant")
    apps.get_model("messaging", "RoutingState").objects.get_or_create(id=1)
    for row in tier.objects.exclude(routing_strategy="tiered"):
        choice.objects.get_or_create(tier=row, queue_class="", defaults={"strategy": row.routing_strategy})
    for row in tenant.objects.exclude(routing_strategy=""):
        choice.objects.get_or_create(tenant=row, queue_class="", defaults={"strategy": row.routing_strategy})
    for row in tier.objects.filter(code="enterprise"):
        defaults = {"strategy": "tiered", "options": {"per_tenant": 1}}
        choice.objects.get_or_create(tier=row, queue_class="", defaults=defaults)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_routing"), ("registry", "0003_store_credit_per_user")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
