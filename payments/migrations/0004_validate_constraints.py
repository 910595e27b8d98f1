from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0003_notifications'),
    ]

    operations = [
        ValidateConstraint(model_name='charge', name='charge_state_is_known'),
        ValidateConstraint(model_name='charge', name='charge_known_at_provider'),
        ValidateConstraint(model_name='charge', name='charge_final_since'),
    ]
