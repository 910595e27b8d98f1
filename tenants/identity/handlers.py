"""Mailing invitations: the gateway to the mail server."""

from dataclasses import dataclass
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from messaging.errors import Reject, Retry
from messaging.messages import Envelope
from messaging.topology import DeadCause
from tenants.identity.domain import secret_hash
from tenants.identity.events import SendInvitation
from tenants.identity.models import Invitation
from tenants.identity.selectors import tenant_url
from tenants.registry.context import current_tenant
from wildrydes.kernel.encryption import SealBroken, unseal


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An invitation, ready to be sent."""

    to: str
    subject: str
    text: str
    message_id: str
    may_have_been_sent: bool = (
        False  # sending twice harms nobody: both mails bear the same link and the same Message-ID
    )


class InvitationMail:
    """Sends an invitation's link, at least once; one that was replaced or accepted meanwhile is not sent."""

    def prepare(self, message: Envelope[SendInvitation]) -> Mail | None:
        """Read what to send; None when the invitation is not open any more."""
        invitation = open_invitation(message.body)
        if invitation is None:
            return None
        token = _token(message.body)
        tenant = current_tenant()
        brand = " ".join(tenant.brand_name.split())  # a line break would end the header
        link = tenant_url(tenant, reverse("invitation", args=[token], urlconf=settings.ROOT_URLCONF))
        context = {"invitation": invitation, "user": invitation.user, "brand": brand, "link": link}
        return Mail(
            to=invitation.user.email,
            subject=f"{brand} invites you to Wild Rydes",
            text=render_to_string("identity/invitation_email.txt", context),
            message_id=f"<{message.id}@{settings.PUBLIC_DOMAIN}>",
        )

    def lookup(self, intent: Mail) -> None:
        """A mail server cannot be asked what became of a mail."""

    def call(self, intent: Mail) -> bool:
        """Hand it to the mail server.

        Raises:
            Reject: the server refuses the recipient for good.
            Retry: it cannot be reached, or says "later".
        """
        mail = EmailMessage(intent.subject, intent.text, to=[intent.to], headers={"Message-ID": intent.message_id})
        try:
            mail.send()
        except SMTPRecipientsRefused as error:
            if all(code >= 500 for code, _ in error.recipients.values()):
                raise Reject("The mail server refuses the recipient.") from error
            raise Retry("The mail server put the recipient off.") from error
        except SMTPResponseException as error:
            if error.smtp_code >= 500 and error.smtp_code != 535:  # 535: our own login, which an operator can repair
                raise Reject(f"The mail server refuses the mail ({error.smtp_code}).") from error
            raise Retry(f"The mail server says {error.smtp_code}.") from error
        except (SMTPException, OSError) as error:
            raise Retry(f"The mail server cannot be reached: {type(error).__name__}.") from error
        return True

    def settle(self, message: Envelope[SendInvitation], intent: Mail, result: bool) -> None:
        """Note that it went out."""
        _open(message.body).update(sent_at=Now(), undeliverable_at=None)


def open_invitation(body: SendInvitation) -> Invitation | None:
    """The invitation that the command is about, while it is still worth mailing.

    Raises:
        Reject: its token cannot be read any more.
    """
    return _open(body).filter(token_hash=secret_hash(_token(body))).select_related("user").first()


def _token(body: SendInvitation) -> str:
    try:
        return unseal(body.sealed_token, keys=settings.FIELD_ENCRYPTION_KEY)
    except SealBroken as error:
        raise Reject("The token was sealed with a key that is not configured any more: invite again.") from error


def _open(body: SendInvitation) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        pk=body.invitation_id, accepted_at=None, expires_at__gt=Now(), user__is_active=True
    )


def invitation_undeliverable(message: Envelope[SendInvitation], cause: DeadCause) -> None:
    """The outcome of a mail that could not be sent: administrators see it and invite again, perhaps at another address."""
    _open(message.body).update(undeliverable_at=Now())
