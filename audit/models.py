"""The audit trail: what people, commands and the system itself did to the platform and to tenants' work."""

from django.db import models

from wildrydes.kernel.ids import new_id


class ActorKind(models.TextChoices):
    """Who acts."""

    STAFF = "staff", "A member of staff"
    COMMAND = "command", "A command at a terminal"
    SYSTEM = "system", "The system itself"


class Entry(models.Model):
    """One act. The database refuses every UPDATE, DELETE and TRUNCATE of this table (see the migrations).

    `subject_type` and `subject_id` name what it was done to, `tenant_id` whose it was. `details` is a flat object of facts
    worth knowing; what a tenant's messages say is never in it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    happened_at = models.DateTimeField(db_default=models.functions.Now(), help_text="The database's clock.")
    actor_kind = models.CharField(max_length=7, choices=ActorKind)
    actor_id = models.CharField(max_length=64, help_text="A user's id, an operating system's user, a job's name.")
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=60, help_text="area.verb, such as deadletter.discard.")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    tenant_id = models.UUIDField(null=True, help_text="Null for what is the platform's own.")
    reason = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["-happened_at"], name="audit_happened_at"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_subject"),
            models.Index(fields=["tenant_id", "-happened_at"], name="audit_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject_id}"
