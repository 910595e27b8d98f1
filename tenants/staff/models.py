"""The second factor of support staff. In `public` only: tenants' users have none of these."""

from django.db import models

from tenants.identity.models import User


class Authenticator(models.Model):
    """A member of staff's app that makes codes (TOTP, RFC 6238). It counts from `confirmed_at` on.

    The secret is sealed with `FIELD_ENCRYPTION_KEY`. `last_step` is the time step of the code that was accepted last: that one
    and older ones are not accepted again.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    secret_sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=-1, editable=False)
    failures = models.PositiveIntegerField(default=0, help_text="Wrong codes in a row.")
    locked_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "second factor"
        permissions = [("reset_authenticator", "Can reset somebody's second factor")]

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code for the day on which the phone is lost; good once. Only its hash is stored: it has 80 bits by chance."""

    id = models.BigAutoField(primary_key=True)
    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["authenticator", "code_hash"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
