"""The staff's page of ways of delivery: what they cost, from which sum they are free, how heavy goods may be."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.catalog import delivery
from tenant_apps.catalog.forms import MethodForm, rates_formset
from tenant_apps.catalog.models import DeliveryMethod
from tenant_apps.catalog.rights import may_change_all
from tenants.context import current_tenant

NAMES = {"price_minor": "price", "free_from_minor": "free_from"}


@staff("change_catalog")
def methods(request: HttpRequest) -> HttpResponse:
    return _page(request, None)


@staff("change_catalog")
def method(request: HttpRequest, pk: int) -> HttpResponse:
    found = DeliveryMethod.objects.prefetch_related("rates").filter(pk=pk).first()
    if found is None:
        raise Http404
    return _page(request, found)


def _page(request: HttpRequest, chosen: DeliveryMethod | None) -> HttpResponse:
    """All of them, and a form for the one chosen or a new one. They are the whole tenant's, so it needs a role."""
    if not may_change_all(request.user):
        raise Http404
    currency = chosen.currency if chosen else current_tenant().currency
    posted = request.POST if request.method == "POST" else None
    if chosen is not None and posted is not None and "delete" in posted:
        delivery.delete_method(chosen, actor=request.user)
        messages.success(request, _("The way of delivery is deleted."))
        return redirect("dashboard-delivery")
    form = MethodForm(posted, method=chosen, currency=currency)
    rates = rates_formset(posted, method=chosen, currency=currency)
    if posted is not None and form.is_valid() and rates.is_valid():
        fields: dict[str, Any] = form.fields_of_method() | {"rates": rates.rates()}
        try:
            if chosen is None:
                delivery.create_method(actor=request.user, **fields)
            else:
                delivery.change_method(chosen, actor=request.user, **fields)
            messages.success(request, _("Saved."))
            return redirect("dashboard-delivery")
        except DomainError as refusal:
            show_refusal(form, refusal, NAMES)
    context = {
        "nav": "products",
        "methods": DeliveryMethod.objects.all(),
        "chosen": chosen,
        "form": form,
        "rates": rates,
        "currency": currency,
    }
    return render(request, "dashboard/products/delivery.html", context, status=400 if posted is not None else 200)
