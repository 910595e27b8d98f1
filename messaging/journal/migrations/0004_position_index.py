"""In a migration of its own: writes wait while it is built (about a second per million messages), reads do not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("journal", "0003_position")]
    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["position", "id"], name="journal_message_position"),
        ),
    ]
