"""The shape of what people type on the account pages."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.models import User


def _email(**attributes: Any) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email", **attributes})
    return forms.EmailField(label=_("Email address"), max_length=254, widget=widget)


def _password(label: Any, autocomplete: str, help_text: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=128, strip=False, widget=widget, help_text=help_text)


AT_LEAST = _("At least 10 characters. A sentence is easy to remember and hard to guess.")


class _Twice(forms.Form):
    """A new password, typed twice."""

    first, second = "new_password1", "new_password2"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get(self.first) and cleaned.get(self.second) and cleaned[self.first] != cleaned[self.second]:
            self.add_error(self.second, ValidationError(_("The two passwords are not the same."), "password_mismatch"))
        return cleaned


class LoginForm(forms.Form):
    email = _email(autofocus=True, autocomplete="username")
    password = _password(_("Password"), "current-password")


class RegisterForm(_Twice):
    first, second = "password1", "password2"

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    email = _email()
    password1 = _password(_("Password"), "new-password", AT_LEAST)
    password2 = _password(_("Password again"), "new-password")


class EmailForm(forms.Form):
    email = _email(autofocus=True)


class CodeForm(forms.Form):
    email = _email()
    code = forms.CharField(
        label=_("Code from the message"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "class": "input--code",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "autofocus": True,
                "pattern": r"[0-9 \-]*",
            }
        ),
    )


class NewPasswordForm(_Twice):
    new_password1 = _password(_("New password"), "new-password", AT_LEAST)
    new_password2 = _password(_("New password again"), "new-password")


def _code(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.TextInput(
        attrs={
            "class": "input--code",
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "autofocus": True,
            "pattern": r"[0-9 \-]*",
        }
    )
    return forms.CharField(label=label, max_length=20, widget=widget, help_text=help_text)


class OtpForm(forms.Form):
    """A code of the authenticator app, or a recovery code."""

    otp = _code(_("Code"))


class MoveCodeForm(forms.Form):
    code = _code(_("Code from the message"))


class EmailChangeForm(forms.Form):
    email = forms.EmailField(
        label=_("New email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email", "autofocus": True}),
    )
    password = _password(_("Present password"), "current-password")


class ProofForm(forms.Form):
    """The password, or of who has none a code."""

    password = _password(_("Password"), "current-password")
    otp = _code(_("Code"))

    def __init__(self, *args: Any, has_password: bool = True, **kwargs: Any):
        super().__init__(*args, **kwargs)
        del self.fields["otp" if has_password else "password"]


class PasswordChangeForm(NewPasswordForm):
    old_password = _password(_("Present password"), "current-password")
    field_order = ["old_password", "new_password1", "new_password2"]


class ProfileForm(forms.ModelForm):
    """What a person may change of themselves (I9)."""

    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("As the site has it")), *settings.LANGUAGES]
    )
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)

    class Meta:
        model = User
        fields = ["name", "language", "timezone"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix")))
        zone_field: Any = self.fields["timezone"]
        zone_field.choices = [
            ("", _("As the site has it")),
            ("UTC", "UTC"),
            *((name, name.replace("_", " ")) for name in zones),
        ]
        self.fields["name"].widget.attrs["autocomplete"] = "name"

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"]
        return " ".join("".join(c if c.isprintable() else " " for c in typed).split())
