"""What people type about an event, and what staff type about that."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenant_apps.reviews.models import LONGEST_ANSWER, LONGEST_COMMENT, LONGEST_NAME, LONGEST_REASON, ReviewReport
from tenant_apps.reviews.moderation import APPROVE, REJECT

STARS = [
    ("1", _("1 star: bad")),
    ("2", _("2 stars: not good")),
    ("3", _("3 stars: all right")),
    ("4", _("4 stars: good")),
    ("5", _("5 stars: excellent")),
]


class ReviewForm(forms.Form):
    """Stars, and words if one likes."""

    rating = forms.ChoiceField(
        label=_("Your rating"), choices=STARS, error_messages={"required": _("Give one to five stars.")}
    )
    comment = forms.CharField(
        label=_("What was it like?"), max_length=LONGEST_COMMENT, required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )  # fmt: skip
    name = forms.CharField(
        label=_("Name beside your review"), max_length=LONGEST_NAME, required=False,
        help_text=_("Anybody can read it. Leave it empty to stay unnamed."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def fields_for_service(self) -> dict[str, Any]:
        """Return what was typed, as the service takes it."""
        return {**self.cleaned_data, "rating": int(self.cleaned_data["rating"])}


class ReportForm(forms.Form):
    """Why a review should not be there."""

    kind = forms.ChoiceField(
        label=_("What is wrong with it?"), choices=ReviewReport.Reason.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(label=_("In your words"), max_length=500, required=False)


class DecisionForm(forms.Form):
    """What becomes of the chosen reviews."""

    decision = forms.ChoiceField(
        label=_("With the chosen ones"), choices=[(APPROVE, _("Show them")), (REJECT, _("Do not show them"))]
    )
    reason = forms.CharField(
        label=_("Why"), max_length=LONGEST_REASON, required=False,
        help_text=_("Who wrote the review reads this."),
    )  # fmt: skip


class AnswerForm(forms.Form):
    """The organizer's answer; empty takes it away."""

    text = forms.CharField(
        label=_("Your answer"), max_length=LONGEST_ANSWER, required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
