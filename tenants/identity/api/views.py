"""Logging in, the caller, and the company's users."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import paginate
from api.permissions import IsAdministrator
from api.schema import page_of
from api.serializers import StrictSerializer, read_query
from api.views import ApiView
from tenants.identity import selectors, services
from tenants.identity.api import serializers as shapes
from tenants.identity.api.representation import represent_me, represent_tokens, represent_user
from wildrydes.kernel.addresses import client_address

_LOGIN = OpenApiExample(
    "A login", {"email": "ada@acme.example", "password": "correct horse battery"}, request_only=True
)
_TOKENS = OpenApiExample(
    "Fresh tokens",
    {
        "token_type": "Bearer",
        "access": "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyJpc3MiOiIuLi4ifQ.c2lnbmF0dXJl",
        "access_expires_in": 600,
        "refresh": "wrrt_1mQ0Yb4zqk0mG7m8cQ6gq3V0mKc4fPp5vO2Z0oSxUuE",
        "refresh_expires_in": 1_209_600,
    },
    response_only=True,
)
_INVITED = OpenApiExample(
    "Somebody to invite", {"email": "grace@acme.example", "name": "Grace", "role": "rider"}, request_only=True
)
_CHANGE = OpenApiExample("Another role", {"role": "manager"}, request_only=True)


def _read(shape: type[StrictSerializer], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class OpenView(ApiView):
    """Reached without an access token; one that is sent is not looked at."""

    authentication_classes = []
    permission_classes = []


class LoginView(OpenView):
    """Logging in."""

    @extend_schema(
        operation_id="log_in",
        summary="Get tokens for an e-mail address and a password",
        request=shapes.Credentials,
        responses={200: shapes.TokensSerializer},
        examples=[_LOGIN, _TOKENS],
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Too many attempts are slowed down (`429` with `Retry-After`); every reason to say no looks the same."""
        body = _read(shapes.Credentials, request)
        pair = services.log_in(email=body["email"], password=body["password"], address=client_address(request))
        return Response(represent_tokens(pair))


class RefreshView(OpenView):
    """Refreshing."""

    @extend_schema(
        operation_id="refresh_tokens",
        summary="Get new tokens for a refresh token",
        request=shapes.RefreshBody,
        responses={200: shapes.TokensSerializer},
        examples=[_TOKENS],
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """A refresh token is good for one refresh; asking again within 10 seconds replaces an answer that got lost."""
        return Response(represent_tokens(services.refresh_tokens(**_read(shapes.RefreshBody, request))))


class LogoutView(OpenView):
    """Logging out."""

    @extend_schema(
        operation_id="log_out", summary="End a login", request=shapes.RefreshBody, responses={204: None}, auth=[]
    )
    def post(self, request: Request) -> Response:
        """No refresh token of this login is good any more. An access token ends by itself within ten minutes."""
        services.log_out(**_read(shapes.RefreshBody, request))
        return Response(status=204)


class AcceptanceView(OpenView):
    """Accepting an invitation."""

    @extend_schema(
        operation_id="accept_invitation",
        summary="Choose a password with an invitation's token",
        request=shapes.AcceptanceBody,
        responses={204: None},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """The token is used up; log in with the password then."""
        services.accept_invitation(**_read(shapes.AcceptanceBody, request))
        return Response(status=204)


class MeView(ApiView):
    """The caller."""

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="me", summary="Who am I?", responses={200: shapes.MeSerializer})
    def get(self, request: Request) -> Response:
        """The caller as stored, which may be newer than the token."""
        return Response(represent_me(selectors.user_by_id(self.principal.user_id), self.tenant))


class PasswordView(ApiView):
    """The caller's password."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="change_password",
        summary="Change my password",
        request=shapes.PasswordChange,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Ends all the caller's logins, this one too."""
        body = _read(shapes.PasswordChange, request)
        services.change_password(
            user_id=self.principal.user_id,
            current=body["current_password"],
            new=body["password"],
            address=client_address(request),
        )
        return Response(status=204)


class UserList(ApiView):
    """The company's users; for its administrators."""

    permission_classes = [IsAdministrator]

    @extend_schema(
        operation_id="list_users",
        summary="List the company's users",
        parameters=[shapes.UserQuery],
        responses={200: page_of(shapes.UserSerializer)},
    )
    def get(self, request: Request) -> Response:
        """A page of users, newest first, filtered by role and by whether they may log in."""
        query = read_query(request, shapes.UserQuery)
        filters = {name: query[name] for name in ("role", "is_active") if name in query}
        return paginate(request, selectors.all_users().filter(**filters), query, represent_user)

    @extend_schema(
        operation_id="invite_user",
        summary="Invite somebody",
        request=shapes.InvitationBody,
        responses={201: shapes.UserSerializer},
        examples=[_INVITED],
    )
    def post(self, request: Request) -> Response:
        """The invitation is mailed; inviting again replaces one that was not accepted."""
        invitation = services.invite_user(**_read(shapes.InvitationBody, request))
        user = selectors.user_by_id(invitation.user_id)
        return Response(represent_user(user), status=201, headers={"Location": f"/api/v1/users/{user.id}"})


class UserDetail(ApiView):
    """One user; for administrators."""

    permission_classes = [IsAdministrator]

    @extend_schema(operation_id="get_user", summary="Look a user up", responses={200: shapes.UserSerializer})
    def get(self, request: Request, user_id: UUID) -> Response:
        """The user."""
        return Response(represent_user(selectors.user_by_id(user_id)))

    @extend_schema(
        operation_id="change_user",
        summary="Change a user's name or role, deactivate or reactivate them",
        request=shapes.UserChange,
        responses={200: shapes.UserSerializer},
        examples=[_CHANGE],
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Deactivation ends all their logins. The last administrator cannot be demoted or deactivated (`409`)."""
        services.update_user(user_id=user_id, **_read(shapes.UserChange, request))
        return Response(represent_user(selectors.user_by_id(user_id)))
