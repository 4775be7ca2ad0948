"""What staff type in to connect an account with a provider."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

MODES = [("test", _("Test: no real money moves")), ("live", _("Live: real money"))]


def _secret(label: Any, **options: Any) -> forms.CharField:
    # Not shown again, and not offered to a password manager as somebody's login.
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, max_length=300, widget=widget, **options)


class StripeForm(forms.Form):
    secret_key = _secret(
        _("Secret key"), help_text=_("From Stripe: Developers, API keys. It starts with sk_test_ or sk_live_.")
    )
    publishable_key = forms.CharField(
        label=_("Publishable key"),
        max_length=300,
        required=False,
        help_text=_("It starts with pk_. Only a storefront of your own needs it."),
    )


class PayPalForm(forms.Form):
    client_id = forms.CharField(label=_("Client ID"), max_length=200)
    client_secret = _secret(_("Secret"))
    mode = forms.ChoiceField(label=_("Mode"), choices=MODES)


class FreedomPayForm(forms.Form):
    merchant_id = forms.CharField(label=_("Merchant number"), max_length=40)
    secret_key = _secret(_("Secret key for payments"))
    mode = forms.ChoiceField(label=_("Mode"), choices=MODES)


FORMS: dict[str, type[forms.Form]] = {"stripe": StripeForm, "paypal": PayPalForm, "freedompay": FreedomPayForm}
