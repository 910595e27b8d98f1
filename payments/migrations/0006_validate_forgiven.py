from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0005_forgiven'),
    ]

    operations = [
        ValidateConstraint(model_name='charge', name='charge_forgiven_in_part'),
    ]
