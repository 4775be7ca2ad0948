"""The pages that make an account safer: two-step login, devices, a change of address."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from shared_apps.accounts import devices, email_change, links, second_factor, second_step, services
from shared_apps.accounts.cookies import clear_cookies
from shared_apps.accounts.errors import LastSignIn, SecondFactorAlreadyOn, SecondFactorOff
from shared_apps.accounts.forms import EmailChangeForm, MoveCodeForm, OtpForm, ProofForm
from shared_apps.accounts.middleware import cookie_session
from shared_apps.accounts.models import Session
from shared_apps.accounts.tokens import revoke
from shared_apps.accounts.views import Page, person
from shared_apps.accounts.visits import visit_of
from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.schemas import present_schema


def _session(request: HttpRequest) -> Session:
    """The session of who is signed in; the page's mark has made sure that there is one."""
    return cast(Session, cookie_session(request))


@anyone
class SecondStepView(Page):
    """The code, after the password or another service's word."""

    form_class = OtpForm
    template = "account/second_step.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.waiting = second_step.who_waits(request)
        if self.waiting is None:
            return redirect("account:login")
        return super().dispatch(request, *args, **kwargs)

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        user, target = cast(Any, self.waiting)
        visit = visit_of(self.request, user.email)
        pair = services.sign_in_vouched(user, visit=visit, otp=typed["otp"])
        return second_step.signed_in(self.request, pair, target)


@signed_in
@method_decorator(never_cache, name="dispatch")
class SecurityView(View):
    """Two-step login and the devices that are signed in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user, here = person(request), _session(request)
        rows = [
            {
                "session": session,
                "device": devices.words(session.user_agent),
                "small": devices.is_small(session.user_agent),
                "current": session.pk == here.pk,
            }
            for session in Session.objects.running_of(user)[:100]
        ]
        rows.sort(key=lambda row: not row["current"])
        on = second_factor.is_on(user)
        linked = list(links.links_of(user))
        may_end = links.can_unlink(user, linked)
        linked_rows = [
            {
                "id": row.pk,
                "name": links.name_of(row.provider),
                "since": row.date_joined,
                "unlinked": links.is_unlinked(row),
                "can_unlink": row.pk in may_end,
            }
            for row in linked
        ]
        context = {
            "rows": rows,
            "linked": linked_rows,
            "on": on,
            "codes_left": second_factor.codes_left(user) if on else 0,
        }
        return render(request, "account/security.html", context)


@signed_in
class EndSessionView(View):
    """Log one device out."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, id: UUID) -> HttpResponseBase:
        here = _session(request)
        if not revoke(id, here.user_id):
            raise Http404
        messages.success(request, _("That device is logged out."))
        if id != here.pk:
            return redirect("account:security")
        response = redirect("account:login")
        clear_cookies(response)
        return response


@signed_in
class TotpView(Page):
    """Set up an authenticator app: scan, type its code, and get the recovery codes."""

    form_class = OtpForm
    template = "account/totp.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except SecondFactorAlreadyOn:
            return redirect("account:security")

    def context(self) -> dict[str, Any]:
        made = second_factor.pending(_session(self.request))
        secret = " ".join(made.secret[at : at + 4] for at in range(0, len(made.secret), 4))
        return {**super().context(), "secret": secret, "url": made.url, "qr": second_factor.svg(made.url)}

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        codes = second_factor.confirm(_session(self.request), typed["otp"], schema_name=present_schema())
        return _codes(self.request, codes, self.context_next())


def _codes(request: HttpRequest, codes: list[str], target: str) -> HttpResponse:
    return render(request, "account/recovery_codes.html", {"codes": codes, "next": target})


class _ProofPage(Page):
    """Asks for the password; of who has none, for a code."""

    form_class = ProofForm
    label: Any = ""

    def get_form(self, data: Any = None) -> Any:
        return ProofForm(data, has_password=person(self.request).has_usable_password())

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        second_factor.prove(_session(self.request), password=typed.get("password", ""), otp=typed.get("otp", ""))
        try:
            return self.proved()
        except SecondFactorOff:
            return redirect("account:security")

    def proved(self) -> HttpResponseBase:
        raise NotImplementedError


@signed_in
class TotpOffView(_ProofPage):
    template = "account/totp_off.html"

    def proved(self) -> HttpResponseBase:
        second_factor.turn_off(person(self.request), schema_name=present_schema())
        messages.success(self.request, _("Two-step login is off."))
        return redirect("account:security")


@signed_in
class NewCodesView(_ProofPage):
    template = "account/new_codes.html"

    def proved(self) -> HttpResponseBase:
        return _codes(self.request, second_factor.new_codes(person(self.request), schema_name=present_schema()), "")


@signed_in
class UnlinkView(View):
    """Let another service sign nobody in any longer."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, id: int) -> HttpResponseBase:
        try:
            links.unlink(person(request), id, schema_name=present_schema())
        except NotFound:
            raise Http404 from None
        except LastSignIn as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("That service no longer logs you in."))
        return redirect("account:security")


@signed_in
class LinkAgainView(_ProofPage):
    """Let a service that was unlinked sign in again."""

    template = "account/link_again.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.link = links.links_of(request.user).filter(pk=kwargs["id"]).first()
        if self.link is None and request.user.is_authenticated:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def context(self) -> dict[str, Any]:
        return {**super().context(), "service": links.name_of(cast(Any, self.link).provider)}

    def proved(self) -> HttpResponseBase:
        links.link_again(person(self.request), cast(Any, self.link).pk, schema_name=present_schema())
        messages.success(self.request, _("That service logs you in again."))
        return redirect("account:security")


@signed_in
class EmailView(Page):
    """Ask for another address."""

    form_class = EmailChangeForm
    template = "account/email.html"

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        here = _session(self.request)
        visit = visit_of(self.request)
        email_change.ask(person(self.request), typed["password"], typed["email"], session=here, visit=visit)
        self.request.session["accounts.moving_to"] = typed["email"]
        return redirect("account:email-confirm")


@anyone
class EmailConfirmView(Page):
    """Enter the code. The letter's link leads here too, on any device, and asks for one click."""

    form_class = MoveCodeForm
    template = "account/email_confirm.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.key = request.POST.get("key", "") or request.GET.get("key", "")[:100]
        if not self.key and not request.user.is_authenticated:
            return redirect("account:login")
        return super().dispatch(request, *args, **kwargs)

    def context(self) -> dict[str, Any]:
        return {**super().context(), "key": self.key, "moving_to": self.request.session.get("accounts.moving_to", "")}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if not self.key:
            return super().post(request, **kwargs)
        try:
            email_change.confirm_by_key(self.key, visit=visit_of(request))
        except DomainError as error:
            self.key = ""
            context = {**self.context(), "form": self.get_form(), "refusal": str(error)}
            return render(request, self.template, context, status=error.status)
        return self._moved()

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        email_change.confirm_by_code(person(self.request), typed["code"], visit=visit_of(self.request))
        return self._moved()

    def _moved(self) -> HttpResponseBase:
        self.request.session.pop("accounts.moving_to", None)
        messages.success(self.request, _("Your email address is changed."))
        return redirect("account:overview" if self.request.user.is_authenticated else "account:login")
