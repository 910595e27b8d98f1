"""Which chains there are and how far each is: one small row per schema, in `public`, so that no schema is visited for nothing."""

from django.db import models

from wildrydes.kernel.ids import new_id


class Chain(models.Model):
    """The hash chain of one schema's journal. Only a pointer: the segments themselves are in the schema.

    The sealer's lock too: who holds this row is the only one that appends to the chain.
    """

    id = models.UUIDField(
        primary_key=True, default=new_id, editable=False, help_text="The tenant's id; a fresh one for `public`."
    )
    schema_name = models.CharField(max_length=63, unique=True)
    inserted_seen = models.BigIntegerField(
        null=True, help_text="The statistics' count of inserted messages when everything up to there was sealed."
    )
    look_at = models.DateTimeField(
        db_default=models.functions.Now(), help_text="Sealed by then in any case, whatever the statistics say."
    )
    behind_since = models.DateTimeField(null=True, help_text="Since when the sealer could not reach the journal's end.")
    sealed_number = models.PositiveBigIntegerField(default=0, help_text="The last segment.")
    exported_number = models.PositiveBigIntegerField(
        default=0, help_text="The last one whose head is outside the database."
    )
    clean_at = models.DateTimeField(db_default=models.functions.Now(), help_text="When retention looks here next.")

    class Meta:
        app_label = "messaging"

    def __str__(self) -> str:
        return f"chain of {self.schema_name}"
