"""What somebody fills in who wants to sell."""

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from shared_apps.accounts.forms import AT_LEAST, CodeForm
from shared_apps.core.clock import zone_names
from shared_apps.core.money import CURRENCIES
from shared_apps.people import agreements
from shared_apps.people.models import PlatformText
from shared_apps.signup.guard import STAMP, TRAP
from tenants.models import Tenant

FIRST = ("EUR", "RUB", "USD", "GBP", "CHF", "PLN", "CZK", "KZT", "GEL", "AMD", "TRY", "UAH")


class SignupForm(forms.Form):
    """A tenant's first facts; all but the currency can be changed later."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("As your audience knows you."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    slug = forms.CharField(
        label=_("Address"),
        max_length=63,
        help_text=_("Small Latin letters, digits and hyphens."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=_("What do you sell?"),
        choices=[
            (Tenant.Kind.ORGANIZER, _("Tickets to events")),
            (Tenant.Kind.RETAIL, _("Goods")),
        ],
        initial=Tenant.Kind.ORGANIZER,
        widget=forms.RadioSelect,
    )
    currency = forms.ChoiceField(label=_("Currency"), initial="EUR")
    timezone = forms.ChoiceField(label=_("Time zone"), initial="UTC")
    language = forms.ChoiceField(label=_("Language of your pages"), choices=settings.LANGUAGES)
    sample_content = forms.BooleanField(
        label=_("Fill it with a few examples. They go again with one click."), required=False, initial=True
    )
    plan = forms.SlugField(required=False, max_length=50, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        rest = sorted(CURRENCIES - set(FIRST))
        currency, timezone = self.fields["currency"], self.fields["timezone"]
        assert isinstance(currency, forms.ChoiceField) and isinstance(timezone, forms.ChoiceField)
        currency.choices = [(code, code) for code in (*FIRST, *rest)]
        timezone.choices = [(name, name.replace("_", " ")) for name in sorted(zone_names())]
        self.fields["timezone"].widget.attrs["data-zone"] = True
        self.fields["slug"].widget.attrs["data-slug-of"] = "id_name"
        self.texts = agreements.asked()
        for text in self.texts:
            # Nothing is ticked beforehand.
            label = format_html(
                '{} <a href="{}" target="_blank" rel="noopener">{}</a>', _("I agree:"), _page_of(text), text.title
            )
            self.fields[f"agree_{text.pk}"] = forms.BooleanField(label=label)

    def agreement_fields(self) -> list[Any]:
        """The boxes of the platform's texts."""
        return [self[f"agree_{text.pk}"] for text in self.texts]

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).strip().lower()

    def facts(self) -> dict[str, Any]:
        """Return what the tenant begins with, and which plan was asked for."""
        facts = {name: self.cleaned_data[name] for name in SignupForm.base_fields}
        agreed = [text.pk for text in self.texts if self.cleaned_data.get(f"agree_{text.pk}")]
        return {**facts, "agreed": agreed} if agreed else facts


def _page_of(text: PlatformText) -> str:
    return reverse("platform-legal", urlconf=settings.PUBLIC_SCHEMA_URLCONF, args=[text.code])


class NewcomerForm(SignupForm):
    """The same for who has no account yet: the account is made on the way."""

    email = forms.EmailField(
        label=_("Your email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=128,
        strip=False,
        help_text=AT_LEAST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    # What only programs fill in, and when the page was shown.
    website = forms.CharField(required=False, max_length=500)
    began = forms.CharField(required=False, max_length=200)

    @property
    def is_trapped(self) -> bool:
        return bool(self.data.get(TRAP))

    @property
    def stamp(self) -> str:
        return str(self.data.get(STAMP, ""))


class SignupCodeForm(CodeForm):
    """The code of the letter; whose it is, this browser knows."""

    email = None  # type: ignore[assignment]  # how Django is told that a form lacks a field of its parent
