"""The shapes of what goes in and out."""

from typing import Any

from rest_framework import serializers

from api.pagination import PageQuery
from api.serializers import StrictSerializer
from tenants.identity.models import Role

_MAX_EMAIL = 254
_MAX_PASSWORD = 256
_MAX_SECRET = 200


def _password(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=_MAX_PASSWORD, trim_whitespace=False, write_only=True, **options)


class Credentials(StrictSerializer):
    """A login. The address is taken as it is: a login says nothing about what is wrong with it."""

    email = serializers.CharField(max_length=_MAX_EMAIL, help_text="In any case.")
    password = _password()


class RefreshBody(StrictSerializer):
    """A refresh token."""

    refresh = serializers.CharField(max_length=_MAX_SECRET)


class AcceptanceBody(StrictSerializer):
    """An invitation's token and the password that the invited person chose."""

    token = serializers.CharField(max_length=_MAX_SECRET)
    password = _password(help_text="At least 12 characters, and no common one.")


class PasswordChange(StrictSerializer):
    """The password as it is and as it shall be."""

    current_password = _password()
    password = _password(help_text="At least 12 characters, and no common one.")


class InvitationBody(StrictSerializer):
    """Somebody to be invited."""

    email = serializers.EmailField(max_length=_MAX_EMAIL)
    name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.RIDER)


class UserChange(StrictSerializer):
    """What may be changed of a user; what is left out stays."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_active = serializers.BooleanField(required=False)


class UserQuery(PageQuery):
    """Filters of the list of users."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_active = serializers.BooleanField(required=False)


class TokensSerializer(serializers.Serializer[Any]):
    """Fresh tokens; lifetimes in seconds."""

    token_type = serializers.CharField(help_text="`Bearer` (RFC 6750).")
    access = serializers.CharField(help_text="A signed JWT for the `Authorization` header.")
    access_expires_in = serializers.IntegerField()
    refresh = serializers.CharField(help_text="Opaque, good for one refresh.")
    refresh_expires_in = serializers.IntegerField()


class InvitationSerializer(serializers.Serializer[Any]):
    """What became of an invitation."""

    expires_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    undeliverable_at = serializers.DateTimeField(allow_null=True)


class UserSerializer(serializers.Serializer[Any]):
    """A user as administrators see them."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    status = serializers.ChoiceField(choices=["invited", "active", "deactivated"])
    created_at = serializers.DateTimeField()
    last_login = serializers.DateTimeField(allow_null=True)
    invitation = InvitationSerializer(allow_null=True, help_text="While it is not accepted.")


class QuotaSerializer(serializers.Serializer[Any]):
    """How much the company may ask."""

    requests_per_minute = serializers.IntegerField()
    burst = serializers.IntegerField(help_text="How many of them may come at once.")


class CompanySerializer(serializers.Serializer[Any]):
    """The caller's company."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    tier = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217.")
    features = serializers.DictField(child=serializers.BooleanField())


class MeSerializer(serializers.Serializer[Any]):
    """The caller, their company and its quota."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    tenant = CompanySerializer()
    quota = QuotaSerializer()
