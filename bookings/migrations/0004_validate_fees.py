from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0003_fees'),
    ]

    operations = [
        ValidateConstraint(model_name='booking', name='booking_fee_within_fare'),
    ]
