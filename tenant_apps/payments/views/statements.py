"""Bank statements, and disputes, as staff see them."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.errors import DomainError, InvalidInput
from tenant_apps.payments import statement_files, statements
from tenant_apps.payments.models import Dispute, Statement
from tenant_apps.staff.everywhere import staff_everywhere
from tenants.context import current_tenant

SHOWN = 500


@staff_everywhere("change_orders")
def overview(request: HttpRequest) -> HttpResponse:
    """Bring a file in; and the last ones."""
    refusal = None
    if request.method == "POST":
        file = request.FILES.get("file")
        # No more than is refused anyway is read into memory.
        content = file.read(statement_files.MOST_BYTES + 1) if file else b""
        try:
            statement, new = statements.upload((file.name if file else "") or "", content, actor=request.user)
        except DomainError as refused:
            refusal = refused.errors[0].message if refused.errors else refused
        else:
            if not new:
                messages.info(request, _("This file was brought in before."))
            return redirect(_next(statement), pk=statement.pk)
    found = Statement.objects.defer("content").order_by("-created_at", "-pk")[:20]
    context = {"nav": "money", "refusal": refusal, "found": found}
    return render(request, "dashboard/money/statements.html", context, status=400 if refusal else 200)


def _next(statement: Statement) -> str:
    return "dashboard-statement-columns" if statement.status == Statement.Status.COLUMNS else "dashboard-statement"


@staff_everywhere("change_orders")
@never_cache
@require_safe
def statement(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What each line comes to. While it is being booked the page asks again by itself."""
    found = get_object_or_404(Statement, pk=pk)
    if found.status == Statement.Status.COLUMNS:
        return redirect("dashboard-statement-columns", pk=pk)
    verdicts = statements.verdicts(found)
    counts = statements.counts_of(verdicts)
    context = {
        "nav": "money",
        "statement": found,
        "running": found.status == Statement.Status.BOOKING,
        "counts": [(statements.WORDS[state], counts[state]) for state in statements.WORDS if state in counts],
        "bookable": sum(counts.get(state, 0) for state in statements.BOOKABLE),
        "too_much": counts.get(statements.TOO_MUCH),
        # What somebody has to look at comes first.
        "verdicts": sorted(verdicts, key=lambda each: (_rank(each.state), each.line.number))[:SHOWN],
        "total": len(verdicts),
        "shown": SHOWN,
    }
    return render(request, "dashboard/money/statement.html", context)


def _rank(state: str) -> int:
    return 0 if state in statements.BOOKABLE else 2 if state in (statements.OUTGOING, statements.UNKNOWN) else 1


@staff_everywhere("change_orders")
def columns(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say which of the file's columns is which of ours; what is likely is chosen already."""
    found = get_object_or_404(Statement, pk=pk)
    if found.status not in (Statement.Status.COLUMNS, Statement.Status.READY):
        return redirect("dashboard-statement", pk=pk)
    said, refusal = dict(found.mapping), None
    header, rows = statements.columns_of(found)
    if request.method == "POST":
        said = _said(request, header)
        try:
            statements.say_columns(found, said, actor=request.user)
            return redirect("dashboard-statement", pk=pk)
        except DomainError as refused:
            refusal = refused
    context = {
        "nav": "money",
        "statement": found,
        "header": header,
        "rows": rows,
        "asked": _asked(header, said),
        "refusal": refusal,
        "faults": refusal.errors[:20] if isinstance(refusal, InvalidInput) else [],
    }
    return render(request, "dashboard/money/statement_columns.html", context, status=400 if refusal else 200)


def _said(request: HttpRequest, header: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {name: request.POST.get(name, "")[:200] for name in statement_files.SINGLE}
    said["purpose"] = [name for name in request.POST.getlist("purpose")[:20] if name in header]
    for name in ("decimal", "dates"):
        if request.POST.get(name):
            said[name] = request.POST[name]
    if said["amount"]:
        said["credit"] = said["debit"] = ""
    return said


def _asked(header: list[str], said: dict[str, Any]) -> list[dict[str, Any]]:
    labels = {
        "day": (_("Day"), True, ""),
        "amount": (_("Amount"), False, _("One column with the sign, or the two below.")),
        "credit": (_("Money in"), False, ""),
        "debit": (_("Money out"), False, ""),
        "currency": (_("Currency"), True, ""),
        "payer": (_("Payer"), False, ""),
        "purpose": (_("Purpose"), True, _("Several may be chosen: the order's code may stand in any of them.")),
    }
    asked = []
    for name, (label, required, hint) in labels.items():
        chosen = said.get(name) or []
        chosen = [chosen] if isinstance(chosen, str) else chosen
        choices = [(column, column, column in chosen) for column in dict.fromkeys(header) if column]
        if name == "currency":
            own = f"={current_tenant().currency}"
            choices.append((own, _("All lines: %s") % own[1:], own in chosen))
        asked.append(
            {"name": name, "label": label, "required": required, "hint": hint, "choices": choices,
             "several": name == "purpose"}
        )  # fmt: skip
    marks = [(mark, text, said.get("decimal") == mark) for mark, text in ((",", "1 234,56"), (".", "1 234.56"))]
    days = [(each, _example(each), said.get("dates") == each) for each in statement_files.DATES]
    asked.append({"name": "decimal", "label": _("Amounts are written as"), "required": True, "choices": marks})
    asked.append({"name": "dates", "label": _("Days are written as"), "required": True, "choices": days})
    return asked


def _example(pattern: str) -> str:
    return statement_files.EXAMPLE.strftime(pattern)


@staff_everywhere("change_orders")
@require_POST
def book(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept what was shown; a worker books it."""
    try:
        statements.ask_to_book(get_object_or_404(Statement, pk=pk), actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("dashboard-statement", pk=pk)


@staff_everywhere("view_orders")
@require_safe
def disputes(request: HttpRequest) -> HttpResponse:
    """What buyers' banks want back, those that need an answer first."""
    found = Dispute.objects.select_related("payment__order").order_by("-status", "-created_at")
    rows = sorted(found[:500], key=lambda each: each.status != Dispute.Status.OPEN)
    return render(request, "dashboard/money/disputes.html", {"nav": "money", "disputes": rows[:200]})
