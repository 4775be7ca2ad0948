"""The staff's pages of discounts and vouchers."""

import csv
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.core.money import to_text
from shared_apps.core.resources import guarded
from tenant_apps.promotions import services
from tenant_apps.promotions.forms import NAMES, BulkForm, DiscountForm, VoucherForm
from tenant_apps.promotions.models import Discount, Voucher
from tenants.context import current_tenant

PAGE = 50
MOST_ROWS = 100_000
STATES = [
    ("on", gettext_lazy("In force")),
    ("planned", gettext_lazy("Planned")),
    ("over", gettext_lazy("Over")),
    ("off", gettext_lazy("Switched off")),
]
USED_UP = ("used_up", gettext_lazy("Used up"))
COLUMNS = (
    "code", "kind", "percent", "amount", "currency", "max_uses", "used", "max_per_buyer", "valid_from", "valid_until",
    "active", "tag",
)  # fmt: skip


def _page_of(request: HttpRequest, rows: Any) -> dict[str, Any]:
    given = request.GET.get("page", "")
    page = min(max(int(given), 1), 1000) if given.isascii() and given.isdigit() and len(given) < 5 else 1
    found = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    return {"rows": found[:PAGE], "more": len(found) > PAGE, "page": page, "now": timezone.now()}


def _asked(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:60]


@staff("change_promotions")
@require_safe
def discounts(request: HttpRequest) -> HttpResponse:
    """Discounts, by state and words."""
    rows, state, search = Discount.objects.all(), _asked(request, "state"), _asked(request, "search")
    if state in dict(STATES):
        rows = rows.in_state(state)
    if search:
        rows = rows.filter(name__icontains=search)
    context = {"nav": "promotions", "states": STATES, "state": state, "search": search, **_page_of(request, rows)}
    return render(request, "dashboard/promotions/discounts.html", context)


@staff("change_promotions")
def new_discount(request: HttpRequest) -> HttpResponse:
    return _edit_discount(request, None)


@staff("change_promotions")
def discount(request: HttpRequest, pk: int) -> HttpResponse:
    found = Discount.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return _edit_discount(request, found)


def _edit_discount(request: HttpRequest, rule: Discount | None) -> HttpResponse:
    form = DiscountForm(request.POST if request.method == "POST" else None, rule=rule, **_about(request))
    if request.method == "POST" and form.is_valid():
        try:
            if rule is None:
                services.create_discount(actor=request.user, **form.fields_for_service())
            else:
                services.change_discount(rule, actor=request.user, **form.fields_for_service())
            messages.success(request, _("Saved."))
            return redirect("dashboard-discounts")
        except DomainError as refusal:
            show_refusal(form, refusal, NAMES)
    return _form_page(request, "dashboard/promotions/discount.html", form, rule)


@staff("change_promotions")
@require_POST
def delete_discount(request: HttpRequest, pk: int) -> HttpResponse:
    found = Discount.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    services.delete_discount(found, actor=request.user)
    messages.success(request, _("The discount is deleted."))
    return redirect("dashboard-discounts")


def _about(request: HttpRequest) -> dict[str, Any]:
    tenant = current_tenant()
    return {"user": request.user, "zone": tenant.timezone, "currency": tenant.currency}


def _form_page(request: HttpRequest, template: str, form: Any, rule: Any) -> HttpResponse:
    context = {"nav": "promotions", "form": form, "rule": rule, "currency": form.currency}
    return render(request, template, context, status=400 if request.method == "POST" else 200)


def _found(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    """The vouchers that the address asks for, and how it asks."""
    rows, state = Voucher.objects.all(), _asked(request, "state")
    search, tag = _asked(request, "search"), _asked(request, "tag")
    if state == "used_up":
        rows = rows.used_up()
    elif state in dict(STATES):
        rows = rows.in_state(state)
    if search:
        rows = rows.matching(search)
    if tag:
        rows = rows.filter(tag=tag)
    return rows, {"state": state, "search": search, "tag": tag}


@staff("change_promotions")
@require_safe
def vouchers(request: HttpRequest) -> HttpResponse:
    """Vouchers, by state, tag and words."""
    rows, asked = _found(request)
    tags = Voucher.objects.exclude(tag="").order_by("tag").values_list("tag", flat=True).distinct()[:30]
    context = {
        "nav": "promotions",
        "states": [*STATES, USED_UP],
        "tags": list(tags),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        **asked,
        **_page_of(request, rows),
    }
    return render(request, "dashboard/promotions/vouchers.html", context)


@staff("change_promotions")
@require_safe
def voucher_file(request: HttpRequest) -> HttpResponse:
    """The vouchers that the list shows, as CSV (B5)."""
    rows, _how = _found(request)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="vouchers.csv"'
    answer["Cache-Control"] = "no-store"
    writer = csv.writer(answer)
    writer.writerow(COLUMNS)
    for one in rows[:MOST_ROWS].iterator(2000):
        values = {"amount": to_text(one.amount_minor, one.currency), "active": "true" if one.active else "false"}
        writer.writerow([_cell(values[name] if name in values else getattr(one, name)) for name in COLUMNS])
    return answer


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return guarded(value) if isinstance(value, str) else value.isoformat() if hasattr(value, "isoformat") else value


@staff("change_promotions")
def new_voucher(request: HttpRequest) -> HttpResponse:
    return _edit_voucher(request, None)


@staff("change_promotions")
def voucher(request: HttpRequest, code: str) -> HttpResponse:
    return _edit_voucher(request, _named(code))


def _named(code: str) -> Voucher:
    found: Voucher | None = Voucher.objects.coded(code).first() if len(code) <= 40 else None
    if found is None:
        raise Http404
    return found


def _edit_voucher(request: HttpRequest, rule: Voucher | None) -> HttpResponse:
    form = VoucherForm(request.POST if request.method == "POST" else None, rule=rule, **_about(request))
    if request.method == "POST" and form.is_valid():
        try:
            if rule is None:
                rule = services.create_voucher(actor=request.user, **form.fields_for_service())
                messages.success(request, _("The code is %s.") % rule.code)
            else:
                services.change_voucher(rule, actor=request.user, **form.fields_for_service())
                messages.success(request, _("Saved."))
            return redirect("dashboard-vouchers")
        except DomainError as refusal:
            show_refusal(form, refusal, NAMES)
    return _form_page(request, "dashboard/promotions/voucher.html", form, rule)


@staff("change_promotions")
@require_POST
def delete_voucher(request: HttpRequest, code: str) -> HttpResponse:
    found = _named(code)
    try:
        services.delete_voucher(found, actor=request.user)
        messages.success(request, _("The code is deleted."))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard-voucher", found.code)
    return redirect("dashboard-vouchers")


@staff("change_promotions")
def many_vouchers(request: HttpRequest) -> HttpResponse:
    """Many codes alike; then the list shows them, to be downloaded."""
    form = BulkForm(request.POST if request.method == "POST" else None, **_about(request))
    if request.method == "POST" and form.is_valid():
        fields = form.fields_for_service()
        # What they have in common is how they are found again.
        fields["tag"] = (
            fields["tag"] or fields["prefix"].strip("-_ ") or timezone.localtime().strftime("%Y-%m-%d %H:%M")
        )
        try:
            made = services.create_vouchers(fields.pop("count"), actor=request.user, **fields)
            said = ngettext("%d code is made.", "%d codes are made.", len(made)) % len(made)
            messages.success(request, said)
            return redirect(f"{reverse('dashboard-vouchers')}?{urlencode({'tag': made[0].tag})}")
        except DomainError as refusal:
            show_refusal(form, refusal, NAMES)
    return _form_page(request, "dashboard/promotions/many.html", form, None)
