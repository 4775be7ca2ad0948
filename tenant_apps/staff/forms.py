"""The shape of what is typed about staff, roles and keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenant_apps.staff.models import Role
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PERMISSIONS


def _email() -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "off", "inputmode": "email"})
    return forms.EmailField(label=_("Email address"), max_length=254, widget=widget)


class _RoleForm(forms.Form):
    """A choice among the roles that the person may give."""

    role: Any = forms.ModelChoiceField(label=_("Role"), queryset=Role.objects.none(), empty_label=None)

    def __init__(self, *args: Any, roles: Iterable[Role], **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = list(roles)
        # The least that one can give is the first choice, so that a hasty click makes nobody an owner.
        self.fields["role"].initial = choices[0].pk if choices else None
        self.fields["role"].queryset = Role.objects.filter(pk__in=[role.pk for role in choices])  # type: ignore[attr-defined]  # a ModelChoiceField, as declared above


class InviteForm(_RoleForm):
    email = _email()
    field_order = ["email", "role"]


class RoleChoiceForm(_RoleForm):
    pass


class _Ticked(forms.MultipleChoiceField):
    """Boxes that the template draws; here they are only read."""

    def __init__(self, names: Iterable[str], **options: Any):
        super().__init__(choices=[(name, name) for name in names], **options)


class GrantForm(forms.Form):
    email = _email()
    permissions = _Ticked(
        EVENT_PERMISSIONS, label=_("What they may do"), error_messages={"required": _("Tick at least one permission.")}
    )


class InviteToEventForm(GrantForm):
    event: Any = forms.ModelChoiceField(label=_("Event"), queryset=None, to_field_name="slug", empty_label=None)
    field_order = ["email", "event", "permissions"]

    def __init__(self, *args: Any, events: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["event"].queryset = events  # type: ignore[attr-defined]  # a ModelChoiceField, as declared above


class RoleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    permissions = _Ticked(PERMISSIONS, required=False)


class HandOverForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    step_down = forms.BooleanField(label=_("I become a manager"), required=False)


class CloseSiteForm(forms.Form):
    """Which site is meant, and who asks."""

    slug = forms.CharField(
        label=_("Address of your site"),
        max_length=63,
        help_text=_("Type the first word of your site's address, so that nothing is closed by mistake."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Your password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    reason = forms.CharField(label=_("Why you leave"), max_length=500, required=False)


NEVER = ""
LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), (NEVER, _("Never"))]


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What the key is for, such as: website, door scanners.")
    )
    expires = forms.ChoiceField(label=_("Ends after"), choices=LIFETIMES, initial="365", required=False)
    scopes = _Ticked(PERMISSIONS, error_messages={"required": _("Tick at least one permission.")})
    events: Any = forms.ModelMultipleChoiceField(
        label=_("Only for these events"),
        queryset=None,
        to_field_name="slug",
        required=False,
        help_text=_("Choose none for all events. A key for single events can only have rights on events."),
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )

    def __init__(self, *args: Any, events: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["events"].queryset = events  # type: ignore[attr-defined]  # a ModelMultipleChoiceField, as declared above

    def ends_at(self) -> datetime | None:
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None
