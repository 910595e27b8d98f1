"""Runs of onboarding with their steps, and the templates that new schemas are made from. All in `public`."""

from django.db import models
from django.db.models.functions import Now

from tenants.registry.models import Tenant
from wildrydes.kernel.ids import new_id


class SchemaTemplate(models.Model):
    """A migrated tenant schema as SQL, kept as text so that workers without `pg_dump` can replay it.

    `fingerprint` stands for all migrations, their names and contents. Inside `sql` the schema is called `schema_name`, which
    is random and therefore cannot occur in it by chance; replaying puts a tenant's schema in its place.
    """

    fingerprint = models.CharField(primary_key=True, max_length=64)
    schema_name = models.CharField(max_length=63)
    sql = models.TextField()
    shape = models.JSONField(help_text="How many tables, constraints, … it has, and a digest of their definitions.")
    build_seconds = models.FloatField()
    built_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.fingerprint[:12]


class RunState(models.TextChoices):
    """How far the onboarding of a company has come."""

    RUNNING = "running", "Under way"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Failed"


class OnboardingRun(models.Model):
    """The onboarding of one tenant. A retry goes on with the same run.

    What is known of the first user is the tenant's data; it waits here until the tenant has a schema, then it is blanked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, related_name="onboarding")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.RUNNING)
    failure = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=1, help_text="How often it was started, retries included.")
    requested_by = models.CharField(max_length=254, blank=True)
    first_user_email = models.EmailField(blank=True)
    first_user_name = models.CharField(max_length=100, blank=True)
    first_user_password = models.CharField(max_length=256, blank=True, help_text="Hashed; empty: they are invited.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "onboarding"
        verbose_name_plural = "onboardings"
        indexes = [models.Index(fields=["state", "started_at"], name="onboarding_state_started")]

    def __str__(self) -> str:
        return f"Onboarding of {self.tenant}"


class StepState(models.TextChoices):
    """How far a step has come."""

    PENDING = "pending", "Waits"
    RUNNING = "running", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class StepCode(models.TextChoices):
    """The steps in their order, named as staff read them."""

    TEMPLATE = "template", "Prepare the template"
    SCHEMA = "schema", "Create the schema"
    CHECK = "check", "Check it against the template"
    KEYS = "keys", "Make sure that tokens can be signed"
    FIRST_USER = "first_user", "Create the first user"
    ACTIVATE = "activate", "Open for service"


class OnboardingStep(models.Model):
    """One step of a run. Times are the database's clock, at the moment and not at the transaction's start."""

    run = models.ForeignKey(OnboardingRun, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=20, choices=StepCode)
    state = models.CharField(max_length=10, choices=StepState, default=StepState.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "code"], name="onboarding_step_once")]

    def __str__(self) -> str:
        return f"{self.code}: {self.state}"
