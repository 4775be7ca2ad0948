"""The staff's pages of what people are told, and in whose words."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.notifications import editing, wording
from tenant_apps.notifications.forms import WordsForm
from tenants.context import current_tenant


@staff("manage_settings")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Every topic, with the languages in which it has words of the tenant's own."""
    rows: dict[str, dict[str, Any]] = {}
    for template in editing.templates():
        row = rows.setdefault(template.topic.name, {"topic": template.topic, "languages": []})
        row["languages"].append({"code": template.language, "edited": template.edited})
    groups = [
        (_("Buyers and ticket holders"), [row for row in rows.values() if not row["topic"].staff]),
        (_("People who work here"), [row for row in rows.values() if row["topic"].staff]),
    ]
    context = {"nav": "settings", "groups": groups}
    return render(request, "dashboard/messages/list.html", context)


@staff("manage_settings")
def edit(request: HttpRequest, topic: str, language: str) -> HttpResponse:
    """The words of one topic, with what people would read beside them: at once as one types, or by a button."""
    template, status = editing.template_of(topic, language), 200
    form = WordsForm(initial=template.words._asdict())
    shown: wording.Words | None = None
    if request.method == "POST":
        form, status = WordsForm(request.POST), 400
        if form.is_valid():
            try:
                shown = editing.preview(template, form.words())
                status = 200
                if "preview" not in request.POST:
                    editing.save(template, form.words(), actor=request.user)
                    messages.success(request, _("Saved."))
                    return redirect("dashboard-message", topic, language)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
    elif request.method == "GET" or request.method == "HEAD":
        shown = editing.preview(template, template.words)
    context = {
        "nav": "settings",
        "template": template,
        "topic": template.topic,
        "form": form,
        "shown": shown,
        "paragraphs": [each for each in shown.body.split("\n\n") if each.strip()] if shown else [],
        "placeholders": [f"{{{name}}}" for name in template.topic.allowed],
        "tongues": [(code, name, code == language) for code, name in wording.languages().items()],
        "sender": current_tenant().name,
    }
    # A preview that htmx asks for is shown whatever was typed: the errors stand in it.
    if status == 400 and request.headers.get("HX-Request") and "preview" in request.POST:
        status = 200
    return render(request, "dashboard/messages/edit.html", context, status=status)


@staff("manage_settings")
@require_POST
def reset(request: HttpRequest, topic: str, language: str) -> HttpResponse:
    """Our words again."""
    editing.reset(editing.template_of(topic, language), actor=request.user)
    messages.success(request, _("These are our words again."))
    return redirect("dashboard-message", topic, language)
