"""The account pages, on the platform's host and on every tenant's. Each works without JavaScript."""

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from shared_apps.accounts import second_step, services, social
from shared_apps.accounts.cookies import access_cookie, clear_cookies, refresh_cookie
from shared_apps.accounts.errors import EmailNotVerified, OtpRequired, ResetRefused
from shared_apps.accounts.forms import (
    CodeForm,
    EmailForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    ProfileForm,
    RegisterForm,
)
from shared_apps.accounts.middleware import cookie_session
from shared_apps.accounts.models import User
from shared_apps.accounts.tokens import end_everywhere
from shared_apps.accounts.views_social import SENTENCES
from shared_apps.accounts.visits import visit_of
from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal

# Whose code this browser waits for, so that the page need not ask for the address again.
WAITING_FOR = "accounts.waiting_for"
# Where this browser was going when it was sent to register; the letter's link does not know.
ONWARD = "accounts.onward"


def onward(request: HttpRequest) -> str:
    """Where to go after signing in: a path on this very host, or the account (B7)."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if safe else reverse("account:overview")


def person(request: HttpRequest) -> User:
    """The signed-in person, as a row of one's own to change."""
    return User.objects.get(pk=cast(int, request.user.pk))


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class Page(View):
    """A page with one form: shows it, keeps what was typed, and shows a refusal at the field it is about."""

    form_class: type[Form]
    template = ""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return self.show(self.get_form())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        try:
            return self.done(form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
            response = self.show(form, error.status)
            if error.retry_after:
                response["Retry-After"] = str(error.retry_after)
            return response

    def get_form(self, data: Any = None) -> Any:
        return self.form_class(data) if data is not None else self.form_class(initial=self.initial())

    def initial(self) -> dict[str, Any]:
        return {}

    def context(self) -> dict[str, Any]:
        return {"next": self.context_next()}

    def context_next(self) -> str:
        """Where the page leads on to, if its address or form says so."""
        return onward(self.request) if "next" in {**self.request.GET, **self.request.POST} else ""

    def show(self, form: Any, status: int = 200) -> HttpResponse:
        return render(self.request, self.template, {"form": form, **self.context()}, status=status)

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        raise NotImplementedError


@anyone
class LoginView(Page):
    """Log in. Who is signed in already goes on to where they were sent from."""

    form_class = LoginForm
    template = "account/login.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(onward(request))
        return super().get(request, **kwargs)

    def context(self) -> dict[str, Any]:
        said = SENTENCES.get(self.request.GET.get("social", "")) if self.request.method == "GET" else None
        return {**super().context(), "providers": social.providers(), "refusal": said}

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        visit = visit_of(self.request, typed["email"])
        try:
            pair = services.sign_in(typed["email"], typed["password"], visit=visit)
        except EmailNotVerified:
            self.request.session[WAITING_FOR] = typed["email"]
            self.request.session[ONWARD] = self.request.POST.get("next", "")[:500]
            messages.info(self.request, _("Please confirm your email address first."))
            return redirect("account:confirm")
        except OtpRequired as wanted:
            return second_step.wait(self.request, wanted.user, onward(self.request))
        return second_step.signed_in(self.request, pair, onward(self.request))


@anyone
class RegisterView(Page):
    form_class = RegisterForm
    template = "account/register.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(onward(request))
        return super().get(request, **kwargs)

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        services.register(typed["email"], typed["password1"], typed["name"], visit=visit_of(self.request))
        self.request.session[WAITING_FOR] = typed["email"]
        self.request.session[ONWARD] = self.request.POST.get("next", "")[:500]
        return redirect(_with_next("account:confirm", self.request))


def _with_next(name: str, request: HttpRequest, otherwise: str = "") -> str:
    target = request.POST.get("next", "") or otherwise
    return f"{reverse(name)}?{urlencode({'next': target})}" if target else reverse(name)


@anyone
class ConfirmView(Page):
    """Enter the code. The letter's link leads here too and asks for one click: mail programs open links themselves."""

    form_class = CodeForm
    template = "account/confirm.html"

    def initial(self) -> dict[str, Any]:
        return {"email": self.request.session.get(WAITING_FOR, "")}

    def context(self) -> dict[str, Any]:
        waiting = self.request.session.get(WAITING_FOR, "")
        return {**super().context(), "key": self.request.GET.get("key", "")[:100], "waiting_for": waiting}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        key = request.POST.get("key", "")
        if not key:
            return super().post(request, **kwargs)
        try:
            services.confirm_by_key(key, visit=visit_of(request))
        except DomainError as error:
            form = self.form_class(initial=self.initial())
            return render(
                request, self.template, {"form": form, "refusal": str(error), "next": ""}, status=error.status
            )
        return self._confirmed()

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        services.confirm_by_code(typed["email"], typed["code"], visit=visit_of(self.request))
        return self._confirmed()

    def _confirmed(self) -> HttpResponseBase:
        self.request.session.pop(WAITING_FOR, None)
        messages.success(self.request, _("Your email address is confirmed. You can log in now."))
        return redirect(_with_next("account:login", self.request, self.request.session.pop(ONWARD, "")))


@anyone
class ResendView(Page):
    form_class = EmailForm
    template = "account/resend.html"

    def initial(self) -> dict[str, Any]:
        return {"email": self.request.session.get(WAITING_FOR, "")}

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        services.resend(typed["email"], visit=visit_of(self.request))
        self.request.session[WAITING_FOR] = typed["email"]
        messages.success(self.request, _("If a registration waits for this address, a new code is on its way."))
        return redirect("account:confirm")


@anyone
class LogoutView(View):
    """POST only: a link or a picture on another page must not log anybody out."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        services.log_out_cookies(access_cookie(request), refresh_cookie(request))
        request.session.flush()
        response = redirect("/")
        clear_cookies(response)
        messages.success(request, _("You are logged out."))
        return response


@anyone
class ResetView(Page):
    """Ask for a link. The answer is the same for known and unknown addresses."""

    form_class = EmailForm
    template = "account/reset.html"

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        services.ask_for_reset(typed["email"], visit=visit_of(self.request))
        return render(self.request, "account/reset_sent.html", {"email": typed["email"]})


@anyone
class ResetSetView(Page):
    """Set a new password by the letter's link."""

    form_class = NewPasswordForm
    template = "account/reset_set.html"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            services.user_of_reset(self.kwargs["uid"], self.kwargs["token"])
        except ResetRefused as error:
            return render(request, "account/reset_refused.html", {"refusal": str(error)}, status=error.status)
        response = super().get(request, **kwargs)
        # Not no-referrer: then browsers send "Origin: null" with the page's own form, and CSRF refuses it (I6).
        response["Referrer-Policy"] = "same-origin"
        return response

    def done(self, typed: dict[str, Any]) -> HttpResponseBase:
        uid, token = self.kwargs["uid"], self.kwargs["token"]
        try:
            services.reset_password(uid, token, typed["new_password1"], visit=visit_of(self.request))
        except ResetRefused as error:
            return render(self.request, "account/reset_refused.html", {"refusal": str(error)}, status=error.status)
        messages.success(self.request, _("Your new password is set. You can log in now."))
        response = redirect("account:login")
        clear_cookies(response)
        return response


@signed_in
@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class OverviewView(View):
    """Name, language, time zone; the password; log out everywhere."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = ProfileForm(request.POST, instance=person(request))
        if not form.is_valid():
            return self.show(profile=form, status=400)
        services.update_profile(form.instance, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("account:overview")

    def show(self, *, profile: Any = None, password: Any = None, status: int = 200) -> HttpResponse:
        context = {
            "profile": profile or ProfileForm(instance=self.request.user),
            "password": password or PasswordChangeForm(),
        }
        return render(self.request, "account/overview.html", context, status=status)


@signed_in
class PasswordView(OverviewView):
    """The overview's second form."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return redirect("account:overview")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = PasswordChangeForm(request.POST)
        if not form.is_valid():
            return self.show(password=form, status=400)
        typed = form.cleaned_data
        user = person(request)
        try:
            pair = services.change_password(
                user,
                typed["old_password"],
                typed["new_password1"],
                session=cookie_session(request),
                visit=visit_of(request),
            )
        except DomainError as error:
            show_refusal(form, error)
            return self.show(password=form, status=error.status)
        messages.success(request, _("Your password is changed, and all other devices are logged out."))
        return second_step.signed_in(request, pair, reverse("account:overview"))


@signed_in
class LogoutEverywhereView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        end_everywhere(person(request))
        response = redirect("account:login")
        clear_cookies(response)
        messages.success(request, _("You are logged out everywhere."))
        return response
