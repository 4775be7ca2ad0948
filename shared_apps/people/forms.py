"""The shape of what people send on the pages about themselves."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shared_apps.people.models import ProfileReport


class PictureForm(forms.Form):
    image = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG or WebP, at most 5 MB. It is cut to a square."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Telephone number"),
        max_length=40,
        help_text=_("With the country's code, such as +49 30 901820."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


class ProfileForm(forms.Form):
    """What others may see of a person. Longer texts are refused by the service, after what cannot be seen is out."""

    name = forms.CharField(label=_("Name"), max_length=600, required=False)
    about = forms.CharField(
        label=_("About you"),
        required=False,
        max_length=4000,
        help_text=_("At most 1,000 characters. Links are shown as plain text."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_public = forms.BooleanField(
        label=_("My profile is public"),
        required=False,
        help_text=_("Anyone with its address sees it, and people can follow you."),
    )
    shows_coming = forms.BooleanField(label=_("Show events that I am going to"), required=False)
    shows_attended = forms.BooleanField(label=_("Show events that I have been to"), required=False)


class ReportForm(forms.Form):
    reason = forms.ChoiceField(label=_("What is wrong"), choices=ProfileReport.Reason.choices)
    note = forms.CharField(
        label=_("In your words"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class EraseForm(forms.Form):
    password = forms.CharField(
        label=_("Present password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    sure = forms.BooleanField(label=_("I understand that this cannot be undone."))


# The ways by which people are reached, as they call them.
WAYS = {"email": _("By mail"), "sms": _("As a text message"), "push": _("On your devices")}


class WishesForm(forms.Form):
    """A box for each message and way that can be switched off."""

    def __init__(self, *args: Any, wishes: list[dict[str, Any]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.wishes = wishes
        for wish in wishes:
            self.fields[name_of(wish)] = forms.BooleanField(
                label=WAYS.get(wish["channel"], wish["channel"]),
                required=False,
                initial=wish["enabled"],
                disabled=wish["fixed"],
            )

    def groups(self) -> list[dict[str, Any]]:
        """Return the messages, each with its boxes; those of people who work somewhere last."""
        found: dict[str, dict[str, Any]] = {}
        for wish in self.wishes:
            group = found.setdefault(
                wish["topic"],
                {"label": wish["label"], "staff": wish["topic"].startswith("staff."), "fixed": True, "boxes": []},
            )
            group["boxes"].append(self[name_of(wish)])
            group["fixed"] = group["fixed"] and wish["fixed"]
        return sorted(found.values(), key=lambda group: group["staff"])

    def chosen(self) -> list[dict[str, Any]]:
        """Return the wishes as they were ticked, without those that are fixed."""
        return [{**wish, "enabled": self.cleaned_data[name_of(wish)]} for wish in self.wishes if not wish["fixed"]]


def name_of(wish: dict[str, Any]) -> str:
    return f"{wish['topic']}-{wish['channel']}"
