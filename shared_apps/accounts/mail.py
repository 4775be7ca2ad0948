"""The letters about an account: what to write is decided here, long after the request was answered (I7)."""

import unicodedata
from email.utils import formataddr, parseaddr
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlencode, urlsafe_base64_encode
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django_tenants.utils import get_tenant_model

from shared_apps.accounts.codes import code_of, key_of, reset_tokens
from shared_apps.accounts.models import CODE_LIVES, EmailCode, User
from shared_apps.core.colour import text_on

PLATFORM_NAME, PLATFORM_COLOUR = "Foyer", "#4f46e5"
Purpose = EmailCode.Purpose
NOTICES = {
    Purpose.MOVE_ASKED,
    Purpose.MOVED,
    Purpose.TOTP_ON,
    Purpose.TOTP_OFF,
    Purpose.NEW_CODES,
    Purpose.LINKED,
    Purpose.UNLINKED,
}
# About a site, to who owns it.
ABOUT_SITES = {Purpose.SUSPENDED, Purpose.RESUMED}


class Letter(NamedTuple):
    """Which template, under which subject, with what."""

    template: str
    subject: str
    context: dict[str, Any]


class Site(NamedTuple):
    """On whose pages it was asked for. Its addresses come from stored domains, never from a Host header (N1)."""

    name: str
    colour: str
    tenant: Any

    def url(self, path: str) -> str:
        links = settings.TENANT_LINKS
        if self.tenant is None:
            return import_string(f"{links}.platform_url")(path)
        return import_string(f"{links}.url")(self.tenant, path)


def send(row_id: int) -> bool:
    """Send the letter of a row at most once at a time; return whether something was sent.

    The row is claimed by one UPDATE and no transaction is open while the mail server answers (O3). A worker that
    dies in between leaves a claim that the sweep takes up after two minutes.
    """
    claimed = EmailCode.objects.unsent().filter(pk=row_id)
    if not claimed.update(claimed_at=timezone.now(), send_tries=F("send_tries") + 1):
        return False
    row = EmailCode.objects.get(pk=row_id)
    site = _site(row.schema_name)
    # Word to an owner may go to the address before; all else is about the account that the address has now.
    user = row.user if row.purpose in NOTICES | ABOUT_SITES else User.objects.by_email(row.email)
    with translation.override((user.language if user else "") or row.language or settings.LANGUAGE_CODE):
        letter = _letter(row, site, user)
        if letter is None:
            row.delete()  # nobody to write to, and no reason to keep a stranger's address
            return False
        _build(letter, site, row.email).send()
    now = timezone.now()
    EmailCode.objects.filter(pk=row.pk).update(sent_at=now, expires_at=now + CODE_LIVES)
    return True


def post(letter: Letter, to: str) -> None:
    """Send a letter of the platform itself, in the present language. Whoever calls notes that it was sent."""
    _build(letter, _site("public"), to).send()


def _site(schema_name: str) -> Site:
    tenant = None
    if schema_name != "public":
        tenant = get_tenant_model().objects.filter(schema_name=schema_name).first()
    if tenant is None:
        return Site(PLATFORM_NAME, PLATFORM_COLOUR, None)
    return Site(tenant.name, tenant.colour, tenant)


def _letter(row: EmailCode, site: Site, user: User | None) -> Letter | None:
    """Decide what this address is told; None for nothing."""
    if row.purpose in ABOUT_SITES:
        return _standing(row, site) if user is not None else None
    if row.purpose in NOTICES:
        return _notice(row, site, user) if user is not None else None
    if row.purpose == Purpose.MOVE:
        return _move(row, site, user)
    if row.purpose == Purpose.CHANGED:
        return _password_changed(site, user) if user is not None else None
    if row.purpose == Purpose.RESET and user is not None:
        return _reset(site, user) if user.is_active else None
    if user is not None and user.email_verified:
        if row.purpose != Purpose.REGISTER:
            return None
        EmailCode.objects.filter(pk=row.pk).update(used_at=timezone.now(), password="")
        return _already(site, user)
    return _confirm(row, site, user)


def _confirm(row: EmailCode, site: Site, user: User | None) -> Letter | None:
    """The code and link. A letter asked for once more carries on the registration that waits, if one does."""
    if row.purpose != Purpose.REGISTER:
        waiting = EmailCode.objects.waiting(row.email).first()
        if waiting is None and user is None:
            return None
        row.purpose = Purpose.REGISTER
        if waiting is not None:
            row.name, row.password = waiting.name, waiting.password
        row.save(update_fields=["purpose", "name", "password"])
    # Not by the name that was typed: it may be a stranger's, and an advertisement.
    code = code_of(row)
    query = urlencode({"key": key_of(row)})
    return Letter(
        "confirm",
        _("%(code)s is your code for %(site)s") % {"code": code, "site": site.name},
        {"code": code, "action_url": site.url(f"/account/confirm/?{query}")},
    )


def _already(site: Site, user: User) -> Letter:
    context = {"name": user.name, "action_url": site.url("/account/login/"), "reset_url": site.url("/account/reset/")}
    return Letter("already", _("You already have an account"), context)


def _reset(site: Site, user: User) -> Letter:
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), reset_tokens.make_token(user)
    context = {"name": user.name, "action_url": site.url(f"/account/reset/{uid}/{token}/")}
    return Letter("reset", _("Set a new password"), context)


def _password_changed(site: Site, user: User) -> Letter:
    context = {"name": user.name, "action_url": site.url("/account/reset/")}
    return Letter("password_changed", _("Your password was changed"), context)


def _move(row: EmailCode, site: Site, user: User | None) -> Letter | None:
    """The code that moves an account to this address; its owner, if it has one, hears that it is taken."""
    if user is not None:
        EmailCode.objects.filter(pk=row.pk).update(used_at=timezone.now())
        return _already(site, user)
    if row.used_at is not None:
        return None
    code, query = code_of(row), urlencode({"key": key_of(row)})
    subject = _("%(code)s is your code for %(site)s") % {"code": code, "site": site.name}
    return Letter("move", subject, {"code": code, "action_url": site.url(f"/account/email/confirm/?{query}")})


def _notice(row: EmailCode, site: Site, user: User) -> Letter:
    """Word to the owner, with what to do if it was somebody else."""
    about = {"about": row.name, "site": site.name}
    security = site.url("/account/security/")
    subject, text, url = {
        Purpose.MOVE_ASKED: (
            _("Your email address is about to change"),
            _("Somebody who knows your password asked to change the address of your account to %(about)s.") % about,
            site.url("/account/reset/"),
        ),
        Purpose.MOVED: (
            _("Your email address was changed"),
            _("The address of your account is %(about)s now. Letters no longer come here.") % about,
            site.url("/"),
        ),
        Purpose.TOTP_ON: (
            _("Two-step login is on"),
            _("From now on, logging in takes a code of your authenticator app. Keep your recovery codes safe."),
            security,
        ),
        Purpose.TOTP_OFF: (
            _("Two-step login is off"),
            _("Logging in takes only your password now."),
            security,
        ),
        Purpose.NEW_CODES: (
            _("You have new recovery codes"),
            _("The recovery codes that you had before are no longer good."),
            security,
        ),
        Purpose.LINKED: (
            _("You can log in through %(about)s now") % about,
            _("Your account is linked with %(about)s: who logs in there is logged in here.") % about,
            security,
        ),
        Purpose.UNLINKED: (
            _("You can no longer log in through %(about)s") % about,
            _("Your account is no longer linked with %(about)s.") % about,
            security,
        ),
    }[Purpose(row.purpose)]
    return Letter("notice", subject, {"name": user.name, "text": text, "action_url": url})


def _standing(row: EmailCode, site: Site) -> Letter:
    """What the platform did to somebody's site, and why."""
    facts = {"site": site.name, "reason": row.name}
    if row.purpose == Purpose.SUSPENDED:
        subject = _("%(site)s is suspended") % facts
        text = (
            _(
                "The platform has suspended %(site)s: it serves nobody for now. Nothing is lost, and you can still take"
                " your data along.\n\nReason: %(reason)s\n\nAnswer the platform's support to have it opened again."
            )
            % facts
        )
        action, url = _("Look at your site"), site.url("/dashboard/export/")
    else:
        subject = _("%(site)s is open again") % facts
        text = _("The platform's suspension of %(site)s is over.") % facts
        action, url = _("Look at your site"), site.url("/dashboard/")
    return Letter("departure", subject, {"text": text, "action": action, "action_url": url})


def _build(letter: Letter, site: Site, to: str) -> EmailMultiAlternatives:
    context = {
        **letter.context,
        "tenant": site,
        "on_colour": text_on(site.colour),
        "home_url": site.url("/"),
        "language": translation.get_language(),
        "subject": letter.subject,
    }
    mail = EmailMultiAlternatives(
        subject=_one_line(letter.subject),
        body=render_to_string(f"email/accounts/{letter.template}.txt", context).strip() + "\n",
        from_email=formataddr((_one_line(site.name), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"email/accounts/{letter.template}.html", context), "text/html")
    return mail


def _one_line(text: str) -> str:
    """The text without what could end a mail header or turn its direction (B8)."""
    return " ".join(
        "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text).split()
    )[:150]
