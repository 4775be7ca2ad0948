"""What operators fill in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.operators.impersonation import LEAST_REASON, LONGEST_REASON, MINUTES


def _reason(text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        min_length=LEAST_REASON,
        max_length=LONGEST_REASON,
        help_text=text,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class SuspendForm(forms.Form):
    """Why a tenant is stopped."""

    prefix = "suspend"
    reason = _reason(_("The organizer and the trail are told it."))


class ImpersonateForm(forms.Form):
    """As whom, why, for how long, and whether to change anything."""

    prefix = "visit"
    person = forms.TypedChoiceField(label=_("As whom"), coerce=int)
    reason = _reason(_("The owners get it by mail before you are there."))
    minutes = forms.TypedChoiceField(label=_("For how long"), coerce=int, initial=MINUTES[0])
    writes = forms.BooleanField(
        label=_("I have to change something"),
        required=False,
        help_text=_("Without it you can look at everything and change nothing."),
    )
    otp = forms.CharField(
        label=_("Code of your authenticator app"),
        required=False,
        max_length=20,
        help_text=_("Needed if you logged in more than 15 minutes ago."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, members: list[Any], **kwargs: Any):
        super().__init__(*args, **kwargs)
        person, minutes = self.fields["person"], self.fields["minutes"]
        assert isinstance(person, forms.ChoiceField) and isinstance(minutes, forms.ChoiceField)
        person.choices = [(each.user_id, f"{each.user} · {each.role}") for each in members]
        minutes.choices = [(each, _("%(count)s minutes") % {"count": each}) for each in MINUTES]
