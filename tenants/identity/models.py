"""Users: a tenant's own live in its schema, support staff in `public`. The same table in both."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from wildrydes.kernel.ids import new_id


class Role(models.TextChoices):
    """What a tenant's user may do."""

    RIDER = "rider", "Books rides"
    MANAGER = "manager", "Sees every ride of the company"
    ADMINISTRATOR = "administrator", "Also manages users and integrations"


class UserManager(BaseUserManager["User"]):
    """Creates users with a normalised address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user; without a password nobody can log in as them until an invitation is accepted."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this address, in any case. Used by Django's own login, which is the console's."""
        return self.get(email=(username or "").strip().lower())

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An administrator among support staff."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or an app acting for one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.RIDER)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the console; means something in `public` only.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_without_case"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def has_accepted(self) -> bool:
        """Whether the person has set a password; before that nobody can log in as them."""
        return self.has_usable_password()


class RevocationReason(models.TextChoices):
    """Why a family of refresh tokens ended before its time."""

    LOGOUT = "logout", "Logged out"
    REUSE = "reuse", "A refresh token was used again"
    PASSWORD = "password", "The password was changed"  # a reason, not a secret
    DEACTIVATED = "deactivated", "The user was deactivated"


class RefreshFamily(models.Model):
    """One login and all the refresh tokens that came of it (RFC 9700, 4.14.2). Its row's lock orders their uses."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_families")
    created_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField(db_index=True, help_text="When the newest token expires; moves on with each use.")
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=20, choices=RevocationReason, blank=True)

    class Meta:
        verbose_name_plural = "refresh families"

    def __str__(self) -> str:
        return str(self.id)


class RefreshToken(models.Model):
    """One refresh token, known by its hash only.

    Its life: issued → used (`used_at`; a successor exists) or replaced (`replaced_at`; its predecessor was used again in
    time, and another successor took its place). Only one that is neither used nor replaced is a valid successor, and the
    database admits one such row per family.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    family = models.ForeignKey(RefreshFamily, on_delete=models.CASCADE, related_name="tokens")
    predecessor = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="successors")
    token_hash = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family"],
                condition=models.Q(used_at=None, replaced_at=None),
                name="refresh_family_has_one_valid_token",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at=None) | models.Q(replaced_at=None), name="refresh_token_used_or_replaced"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Invitation(models.Model):
    """An open invitation to a user, known by its token's hash; a new one takes its place (one row per user)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="invitation")
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    undeliverable_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)
