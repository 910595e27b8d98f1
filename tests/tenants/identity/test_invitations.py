"""From the invitation to the first login: the mail, the page, the endpoint."""

import re
from html.parser import HTMLParser
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from messaging.errors import Reject, Retry
from messaging.journal.models import Message
from messaging.messages import Envelope, from_payload
from messaging.models import DeadReason
from messaging.topology import DeadCause
from tenants.identity import services
from tenants.identity.errors import AlreadyUser, InvitationNotValid
from tenants.identity.events import SendInvitation
from tenants.identity.handlers import InvitationMail, invitation_undeliverable
from tenants.identity.models import Invitation, RefreshFamily, User
from tenants.identity.pages import readable_on
from tenants.registry.directory import forget
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.ids import new_id

NEW = "a phrase to remember"
ACCEPT = "/api/v1/auth/invitations/accept"


def envelope(tenant):
    """The newest command to mail an invitation, as the mailer gets it."""
    message = Message.objects.filter(topic=SendInvitation.topic).order_by("-id").first()
    return Envelope(
        id=message.id,
        body=from_payload(message.payload, SendInvitation),
        correlation_id=message.correlation_id,
        causation_id=None,
        occurred_at=message.occurred_at,
        delivery_id=new_id(),
        attempt=1,
        tenant=tenant,
    )


def deliver(tenant):
    """Mail the newest invitation; answers the token in its link."""
    message = envelope(tenant)
    gateway = InvitationMail()
    intent = gateway.prepare(message)
    gateway.settle(message, intent, gateway.call(intent))
    return token_in(mail.outbox[-1])


def token_in(sent):
    return re.search(r"/invitations/([^/\s]+)/", sent.body)[1]


@pytest.fixture
def invited(in_tenant):
    return services.invite_user(email="New@acme.example", name="New", role="rider")


@pytest.fixture
def token(invited, in_tenant):
    return deliver(in_tenant)


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True, headers={"host": "acme.localhost"})


def test_the_mail_says_who_invites_and_where_to(invited, in_tenant, settings):
    settings.PUBLIC_PORT = 8000
    token = deliver(in_tenant)
    sent = mail.outbox[0]
    assert sent.to == ["new@acme.example"]
    assert sent.subject == "Acme invites you to Wild Rydes"
    assert f"http://acme.localhost:8000/invitations/{token}/" in sent.body
    assert Invitation.objects.get().sent_at is not None


def test_a_worker_mails_it(acme, make_user, bearer, in_tenant, drain):
    boss = make_user("boss@acme.example", role="administrator")
    made = acme.post("/api/v1/users", {"email": "new@acme.example"}, **bearer(boss))
    assert mail.outbox == []
    drain()
    assert [sent.to for sent in mail.outbox] == [["new@acme.example"]]
    body = acme.get(made["Location"], **bearer(boss)).json()
    assert body["invitation"]["sent_at"] is not None
    assert acme.post(ACCEPT, {"token": token_in(mail.outbox[0]), "password": NEW}).status_code == 204


def test_a_mail_server_that_refuses_is_told_to_administrators(invited, in_tenant, drain, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Failing"
    Failing.failure = SMTPRecipientsRefused({"x": (550, b"no such user")})
    drain()
    invitation = Invitation.objects.get()
    assert invitation.undeliverable_at is not None
    assert invitation.sent_at is None


def test_nothing_is_mailed_inside_the_request(invited):
    assert mail.outbox == []


def test_the_token_is_nowhere_in_the_clear(token):
    with connection.cursor() as cursor:
        for table in ("identity_invitation", "journal_message", "messaging_delivery"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            assert token not in str(cursor.fetchall())


def test_mailing_twice_sends_the_same_link(invited, in_tenant):
    """A worker may die after the server took the mail."""
    assert deliver(in_tenant) == deliver(in_tenant)
    assert mail.outbox[0].extra_headers["Message-ID"] == mail.outbox[1].extra_headers["Message-ID"]


def test_a_name_with_a_line_break_breaks_no_header(invited, in_tenant):
    Tenant.objects.filter(pk=in_tenant.id).update(brand_name="Acme\nBcc: all@example.com")
    forget()
    deliver(in_tenant)
    assert mail.outbox[0].subject == "Acme Bcc: all@example.com invites you to Wild Rydes"
    assert mail.outbox[0].recipients() == ["new@acme.example"]


@pytest.mark.parametrize("event", ["replaced", "accepted", "deactivated"])
def test_what_is_not_open_any_more_is_not_mailed(invited, in_tenant, event):
    message = envelope(in_tenant)
    if event == "replaced":
        services.invite_user(email="new@acme.example", name="New", role="rider")
    elif event == "accepted":
        services.accept_invitation(token=deliver(in_tenant), password=NEW)
    else:
        services.update_user(user_id=invited.user_id, is_active=False)
    assert InvitationMail().prepare(message) is None


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (SMTPServerDisconnected("gone"), Retry),
        (ConnectionRefusedError(), Retry),
        (SMTPRecipientsRefused({"x": (450, b"later")}), Retry),
        (SMTPRecipientsRefused({"x": (550, b"no such user")}), Reject),
    ],
)
def test_what_the_mail_server_says_decides_what_follows(invited, in_tenant, settings, failure, outcome):
    settings.EMAIL_BACKEND = f"{__name__}.Failing"
    Failing.failure = failure
    gateway = InvitationMail()
    intent = gateway.prepare(envelope(in_tenant))
    with pytest.raises(outcome):
        gateway.call(intent)


class Failing:
    """A mail server that does not take it."""

    failure: Exception

    def __init__(self, **options):
        pass

    def send_messages(self, messages):
        raise self.failure


def test_a_mail_that_cannot_be_sent_is_told(invited, in_tenant):
    invitation_undeliverable(
        envelope(in_tenant), DeadCause(reason=DeadReason.ATTEMPTS, error_class="Retry", detail="the server is away")
    )
    assert Invitation.objects.get().undeliverable_at is not None


def test_accepting_by_the_endpoint(acme, token, in_tenant):
    assert acme.post(ACCEPT, {"token": token, "password": NEW}).status_code == 204
    login = {"email": "new@acme.example", "password": NEW}
    assert acme.post("/api/v1/auth/token", login).status_code == 200
    again = acme.post(ACCEPT, {"token": token, "password": "another phrase here"})
    assert again.status_code == 404
    assert acme.post("/api/v1/auth/token", login).status_code == 200


@pytest.mark.parametrize("password", ["short", "123456789012", "1q2w3e4r5t6y", "new@acme.example"])
def test_a_weak_password_leaves_the_invitation_open(token, in_tenant, password):
    with pytest.raises(InvalidInput):
        services.accept_invitation(token=token, password=password)
    assert services.accept_invitation(token=token, password=NEW).has_accepted


def test_a_new_invitation_replaces_the_old_one(token, in_tenant):
    services.invite_user(email="new@acme.example", name="New", role="manager")
    newer = deliver(in_tenant)
    with pytest.raises(InvitationNotValid):
        services.accept_invitation(token=token, password=NEW)
    assert services.accept_invitation(token=newer, password=NEW).role == "manager"


def test_an_invitation_expires(token, in_tenant):
    from datetime import timedelta

    from django.db.models import F

    Invitation.objects.update(expires_at=F("expires_at") - timedelta(days=7))
    with pytest.raises(InvitationNotValid):
        services.accept_invitation(token=token, password=NEW)


def test_an_invitation_means_nothing_at_another_tenant(token, globex):
    assert globex.post(ACCEPT, {"token": token, "password": NEW}).status_code == 404


def test_someone_with_a_password_is_not_invited(ada, in_tenant):
    with pytest.raises(AlreadyUser):
        services.invite_user(email=ada.email, name="", role="administrator")


def test_a_deactivated_user_is_let_in_again_by_an_invitation(ada, in_tenant):
    services.issue_tokens(user=ada)
    services.update_user(user_id=ada.pk, is_active=False)
    services.invite_user(email=ada.email, name="Ada", role="rider")
    user = User.objects.get(pk=ada.pk)
    assert user.is_active
    assert not user.has_accepted
    assert services.accept_invitation(token=deliver(in_tenant), password=NEW).pk == ada.pk
    assert not RefreshFamily.objects.filter(revoked_at=None).exists()


def test_a_new_user_is_announced_once(invited, in_tenant):
    services.invite_user(email="new@acme.example", name="New", role="rider")
    announced = Message.objects.filter(topic="user.provisioned", payload__user_id=str(invited.user_id))
    assert announced.count() == 1


class Form(HTMLParser):
    """The fields of a page's form, and what its labels are for."""

    def __init__(self, html):
        super().__init__()
        self.fields, self.labelled = {}, set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "input":
            self.fields[attributes["name"]] = attributes
        if tag == "label":
            self.labelled.add(attributes["for"])


def form_of(browser, token):
    return Form(browser.get(f"/invitations/{token}/").content.decode())


def fill(browser, token, password, repeated=None):
    path = f"/invitations/{token}/"
    body = {name: field.get("value", "") for name, field in form_of(browser, token).fields.items()}
    typed = {**body, "password": password, "repeated": repeated or password}
    return browser.post(path, typed, headers={"origin": "http://acme.localhost"})


def test_the_page_sets_a_password(browser, token, acme):
    answer = fill(browser, token, NEW)
    assert answer.status_code == 200
    assert "Your password is set" in answer.content.decode()
    assert acme.post("/api/v1/auth/token", {"email": "new@acme.example", "password": NEW}).status_code == 200
    assert browser.get(f"/invitations/{token}/").status_code == 404


def test_the_page_wears_the_companys_colours(browser, token, in_tenant):
    Tenant.objects.filter(pk=in_tenant.id).update(
        brand_name="Acme & <Sons>", brand_colour="#ffee00", brand_logo_url="https://acme.example/logo.png"
    )
    forget()
    html = browser.get(f"/invitations/{token}/").content.decode()
    assert "Acme &amp; &lt;Sons&gt;" in html
    assert "--brand: #ffee00; --on-brand: #000000" in html
    assert 'src="https://acme.example/logo.png"' in html


def test_the_page_can_be_used_without_eyes_and_scripts(browser, token):
    answer = browser.get(f"/invitations/{token}/")
    html = answer.content.decode()
    form = Form(html)
    visible = {field["id"] for field in form.fields.values() if field["type"] != "hidden"}
    assert visible == form.labelled == {"id_password", "id_repeated"}
    assert '<html lang="en">' in html
    assert "<script" not in html
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"


def test_the_page_says_what_is_wrong(browser, token):
    weak = fill(browser, token, "short")
    assert weak.status_code == 422
    assert "at least 12 characters" in weak.content.decode()
    assert 'role="alert"' in weak.content.decode()
    assert "not the same" in fill(browser, token, NEW, "another").content.decode()
    assert fill(browser, token, "").status_code == 422
    assert fill(browser, token, NEW + "\0").status_code == 422
    assert fill(browser, token, NEW).status_code == 200


def test_the_page_cannot_be_filled_in_from_elsewhere(browser, token):
    body = {name: field.get("value", "") for name, field in form_of(browser, token).fields.items()}
    stolen = {**body, "password": NEW, "repeated": NEW}
    path = f"/invitations/{token}/"
    assert browser.post(path, {"password": NEW, "repeated": NEW}).status_code == 403
    for origin in ("null", "https://evil.example"):
        assert browser.post(path, stolen, headers={"origin": origin}).status_code == 403
    assert services.accept_invitation(token=token, password=NEW)


def test_looking_at_the_page_uses_nothing_up(browser, token):
    for _ in range(3):
        assert browser.get(f"/invitations/{token}/").status_code == 200
    assert browser.head(f"/invitations/{token}/").status_code == 200


@pytest.mark.parametrize("text", ["x", "a" * 5_000, "%00", "%F0%9F%A6%84", "%ED%A0%80", "..", "<script>"])
def test_any_other_address_is_a_polite_no(browser, tenant, text):
    answer = browser.get(f"/invitations/{text}/")
    assert answer.status_code in (400, 404)
    assert browser.put("/invitations/x/").status_code in (403, 405)


def test_text_is_readable_on_every_colour():
    assert readable_on("#000000") == "#ffffff"
    assert readable_on("#6b21a8") == "#ffffff"
    assert readable_on("#ffffff") == "#000000"
    assert readable_on("#ffee00") == "#000000"
