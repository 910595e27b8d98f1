"""The order in which messages are sealed. Neither statement rewrites the table: old rows read 0, new ones count from 1."""

import django.db.models.expressions
from django.db import migrations, models

ADD = """
CREATE SEQUENCE journal_message_position_seq AS bigint;
ALTER TABLE journal_message ADD COLUMN position bigint NOT NULL DEFAULT 0;
ALTER TABLE journal_message ALTER COLUMN position SET DEFAULT nextval('journal_message_position_seq');
ALTER SEQUENCE journal_message_position_seq OWNED BY journal_message.position;
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_outbound_calls")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ADD, "ALTER TABLE journal_message DROP COLUMN position"),
            ],
            state_operations=[
                migrations.AddField(
                    model_name="message",
                    name="position",
                    field=models.BigIntegerField(
                        db_default=django.db.models.expressions.Func(
                            models.Value("journal_message_position_seq"), function="nextval"
                        ),
                        editable=False,
                        help_text="The order in which messages are sealed; 0 for those older than the column.",
                    ),
                ),
            ],
        ),
    ]
