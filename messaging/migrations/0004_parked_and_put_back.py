"""Parked rows and rows that were put back. Expands only: old code inserts without the columns. The index starts empty."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0003_redriving'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='parked_in',
            field=models.CharField(db_default='', default='', help_text='The queue that was too long to send this again; sent when it gets shorter.', max_length=120),
        ),
        migrations.AddField(
            model_name='delivery',
            name='put_back_since',
            field=models.DateTimeField(help_text='The first of these; after a day it is given up.', null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='put_backs',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often in a row it was put back uncounted: nobody could work on it.'),
        ),
        migrations.AlterField(
            model_name='deadletter',
            name='reason',
            field=models.CharField(choices=[('attempts', 'Its handler failed too often'), ('crashes', 'Its worker died too often'), ('expired', 'Its time to live ran out'), ('rejected', 'Its handler said that it can never succeed'), ('stranded', 'Nobody could work on it: its handler, its schema or its tenant was not there for a day')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('parked_in__gt', '')), fields=['parked_in', 'id'], name='delivery_parked'),
        ),
    ]
