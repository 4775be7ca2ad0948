"""The page on which staff add pictures, say what they show, put them in order: the same for whatever owns them.

Each app gives its rows and its three services; the page needs neither a mouse nor JavaScript.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.core.pictures import LONGEST_ALT, MOST_PICTURES, StoredPicture


class PictureForm(forms.Form):
    """A file and what it shows. What the file is, the service finds out from its content."""

    image = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("JPEG, PNG or WebP, at most 5 MB and 25 megapixels."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp", "data-preview": "preview"}),
    )
    alt = forms.CharField(
        label=gettext_lazy("What it shows"),
        max_length=LONGEST_ALT,
        help_text=gettext_lazy("In a few words, for people who cannot see it."),
    )


class Writing(NamedTuple):
    """What an app does with pictures: `add(upload, alt=…)`, `change(row, …)`, `delete(row)`."""

    rows: "models.QuerySet[Any]"
    add: Callable[..., StoredPicture]
    change: Callable[..., StoredPicture]
    delete: Callable[..., None]


def page(request: HttpRequest, writing: Writing, template: str, context: dict[str, Any]) -> HttpResponse:
    """Show the pictures; do what a button of the page asks for, and come back to the page."""
    form, status, refusal = PictureForm(), 200, None
    if request.method == "POST":
        if "add" in request.POST:
            form, status = _add(request, writing)
        else:
            refusal = _act(request, writing)
            status = refusal.status if refusal else 200
        if status == 200:
            return redirect(request.path)
    rows = list(writing.rows.order_by("position", "pk"))
    shown = context | {
        "form": form,
        "refusal": refusal,
        "pictures": [row.shown for row in rows],
        "folder": writing.rows.model.folder,
        "full": len(rows) >= MOST_PICTURES,
        "most": MOST_PICTURES,
        "longest_alt": LONGEST_ALT,
    }
    return render(request, template, shown, status=status)


def _add(request: HttpRequest, writing: Writing) -> tuple[PictureForm, int]:
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return form, 400
    try:
        writing.add(form.cleaned_data["image"], alt=form.cleaned_data["alt"])
    except DomainError as refused:
        show_refusal(form, refused)
        return form, refused.status
    messages.success(request, _("The picture is there."))
    return form, 200


def _act(request: HttpRequest, writing: Writing) -> DomainError | None:
    """Do what one of a picture's buttons says. Raises Http404 for a picture of something else."""
    given = request.POST.get("picture", "")
    named = given.isascii() and given.isdigit() and len(given) < 19
    row = writing.rows.filter(pk=int(given)).first() if named else None
    if row is None:
        raise Http404
    before = [each.pk for each in writing.rows.order_by("position", "pk")]
    try:
        if "delete" in request.POST:
            writing.delete(row)
            messages.success(request, _("The picture is deleted."))
        elif "lead" in request.POST:
            writing.change(row, lead=True)
            messages.success(request, _("It is shown first now."))
        elif "up" in request.POST:
            writing.change(row, position=before.index(row.pk) - 1 if before.index(row.pk) else 0)
        elif "down" in request.POST:
            writing.change(row, position=before.index(row.pk) + 1)
        else:
            writing.change(row, alt=request.POST.get("alt", ""))
            messages.success(request, _("Saved."))
    except DomainError as refused:
        return refused
    return None
