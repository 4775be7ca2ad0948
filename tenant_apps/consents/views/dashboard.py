"""The staff's pages: the texts, their versions, and who agreed to what."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.consents import texts
from tenant_apps.consents.models import LegalText
from tenant_apps.consents.querysets import consents as all_consents
from tenant_apps.consents.querysets import counted_versions

PER_PAGE = 50


class TextForm(forms.Form):
    """One text; what makes it valid, the service says."""

    code = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=40,
        help_text=gettext_lazy("For its address, such as terms or privacy. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=texts.LONGEST_TITLE,
        help_text=gettext_lazy("Stands beside the box that buyers tick."),
    )  # fmt: skip
    required = forms.BooleanField(label=gettext_lazy("Nobody can order without agreeing"), required=False, initial=True)
    body = forms.CharField(
        label=gettext_lazy("Text"), max_length=texts.LONGEST_BODY, widget=forms.Textarea(attrs={"rows": 16})
    )


@staff("manage_settings")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """All texts with their versions, and how many agreed to each."""
    return render(request, "dashboard/settings/legal.html", {"nav": "settings", "texts": counted_versions()})


@staff("manage_settings")
def new(request: HttpRequest) -> HttpResponse:
    """Another text to agree to."""
    return _form(request, None)


@staff("manage_settings")
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """A new version: the one before stays as it is, with those who agreed to it."""
    text = LegalText.objects.filter(code=code).order_by("-version").first()
    if text is None:
        raise Http404
    return _form(request, text)


@staff("manage_settings")
@require_POST
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Ask nobody for it any more."""
    try:
        texts.withdraw(code, actor=request.user)
    except DomainError:
        raise Http404 from None
    messages.success(request, _("Nobody is asked for it any more. What was agreed to is kept."))
    return redirect("dashboard-legal")


@staff("manage_settings")
@require_safe
def consents(request: HttpRequest) -> HttpResponse:
    """Who agreed to what, newest first; `?q=` is an address or an order's code."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()[:254]
    page = Paginator(all_consents(wanted), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "dashboard/settings/consents.html", {"nav": "settings", "page": page, "q": wanted})


@staff("manage_settings")
@require_POST
def take_back(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Somebody agrees no more."""
    found = all_consents().filter(pk=pk).first()
    if found is None:
        raise Http404
    try:
        texts.take_back(found, actor=request.user)
        messages.success(request, _("Noted: they agree no more."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-consents")


def _form(request: HttpRequest, text: LegalText | None) -> HttpResponse:
    known: dict[str, Any] = {}
    if text is not None:
        known = {"code": text.code, "title": text.title, "body": text.body, "required": text.required}
    form, status = TextForm(initial=known), 200
    if request.method == "POST":
        form, status = TextForm({**request.POST.dict(), **({"code": text.code} if text else {})}), 400
        if form.is_valid():
            try:
                texts.publish(actor=request.user, **form.cleaned_data)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Published. Buyers are asked for it from now on."))
                return redirect("dashboard-legal")
    context = {"nav": "settings", "form": form, "text": text}
    return render(request, "dashboard/settings/legal_text.html", context, status=status)
