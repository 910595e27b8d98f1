"""When each scheduled job began last. Expands only."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0006_process_beats'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobRun',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField()),
            ],
        ),
    ]
