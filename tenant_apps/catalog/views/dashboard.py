"""The staff's pages about goods: what a role opens everywhere, a grant opens for one category."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.catalog import categories as tree
from tenant_apps.catalog import services
from tenant_apps.catalog.bulk import MOST_AT_ONCE, change_products
from tenant_apps.catalog.forms import BulkForm, CategoryForm, ProductForm, QuickForm
from tenant_apps.catalog.models import Product, ProductCategory, ProductVariant
from tenant_apps.catalog.rights import categories_where_change, granted_slugs, may_change_all, products_where_change
from tenant_apps.catalog.selling import set_accepting
from tenants.context import current_tenant

PAGE = 50
NAMES = {"price_minor": "price", "recommended_price_minor": "recommended_price"}


@staff("change_catalog")
def products(request: HttpRequest) -> HttpResponse:
    """The goods that the person may change, with price and stock to edit in place."""
    show = request.GET.get("show", "all")
    found = products_where_change(request.user)
    if search := request.GET.get("search", "").strip()[:100]:
        found = found.matching(search)
    category = ProductCategory.objects.filter(slug=request.GET.get("category", "")[:60]).first()
    if category is not None:
        found = found.below([category.slug])
    if show == "low":
        found = found.filter(variants__in=ProductVariant.objects.low()).distinct()
    elif show == "hidden":
        found = found.filter(published=False)
    given = request.GET.get("page", "")
    page = min(max(int(given), 1), 1000) if given.isascii() and given.isdigit() and len(given) < 5 else 1
    rows = list(found.for_show().order_by("name", "pk")[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "nav": "products",
        "products": rows[:PAGE],
        "more": len(rows) > PAGE,
        "page": page,
        "show": show if show in ("low", "hidden") else "all",
        "search": search,
        "category": category,
        "everywhere": may_change_all(request.user),
        # Who was granted categories opens and closes them here; the page of the whole tree is for roles.
        "own": [] if may_change_all(request.user) else list(_granted(request)),
        "bulk": BulkForm(categories=categories_where_change(request.user).order_by("lineage")),
    }
    return render(request, "dashboard/products/list.html", context)


def _granted(request: HttpRequest) -> Any:
    return ProductCategory.objects.filter(slug__in=granted_slugs(request.user)).order_by("lineage")


@staff("change_catalog")
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """The same change to all products that are ticked in the list; all of it or nothing."""
    form = BulkForm(request.POST, categories=categories_where_change(request.user).order_by("lineage"))
    if form.is_valid():
        chosen = request.POST.getlist("chosen")[: MOST_AT_ONCE + 1]
        try:
            changed = change_products(chosen, actor=request.user, **form.fields_for_service())
            said = ngettext("%d product is changed.", "%d products are changed.", changed) % changed
            messages.success(request, said)
        except DomainError as refusal:
            messages.error(request, str(refusal.errors[0].message if refusal.errors else refusal))
    else:
        for errors in form.errors.values():
            messages.error(request, str(errors[0]))
    return _back(request)


@staff("change_catalog")
@require_POST
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Open or close a category and all below it for orders."""
    found = categories_where_change(request.user).filter(slug=slug).first()
    if found is None:
        raise Http404
    accepting = request.POST.get("accepting") == "on"
    set_accepting(found, accepting, actor=request.user)
    messages.success(request, _("Orders are taken again.") if accepting else _("Orders are not taken any more."))
    return redirect("dashboard-product-categories" if may_change_all(request.user) else "dashboard-products")


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "")[:300]
    return redirect(f"/dashboard/products/{back if back.startswith('?') else ''}")


@staff("change_catalog")
@require_POST
def quick_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Price and stock of one variant, from the list."""
    variant = ProductVariant.objects.filter(pk=pk, product__in=products_where_change(request.user)).first()
    if variant is None:
        raise Http404
    product = Product.objects.prefetch_related("variants").get(pk=variant.product_id)
    form = QuickForm(request.POST, currency=product.currency)
    if form.is_valid():
        try:
            with transaction.atomic():
                # The price of an only variant is the product's.
                if variant.price_minor is None:
                    services.update_product(product, actor=request.user, price_minor=form.cleaned_data["price"])
                    changes: dict[str, Any] = {}
                else:
                    changes = {"price_minor": form.cleaned_data["price"]}
                services.change_variant(variant, actor=request.user, capacity=form.cleaned_data["capacity"], **changes)
            messages.success(request, _("Saved."))
        except DomainError as refusal:
            messages.error(request, str(refusal))
    else:
        for errors in form.errors.values():
            messages.error(request, str(errors[0]))
    return _back(request)


@staff("change_catalog")
def new_product(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@staff("change_catalog")
def edit_product(request: HttpRequest, slug: str) -> HttpResponse:
    return _edit(request, _product(request, slug))


@staff("change_catalog")
@require_POST
def delete_product(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        services.delete_product(_product(request, slug), actor=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard-product", slug=slug)
    messages.success(request, _("The product is deleted."))
    return redirect("dashboard-products")


@staff("change_catalog")
def categories(request: HttpRequest) -> HttpResponse:
    """The tree of categories; it is the whole tenant's, so only a role changes it."""
    return _categories(request, None)


@staff("change_catalog")
def category(request: HttpRequest, slug: str) -> HttpResponse:
    found = ProductCategory.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return _categories(request, found)


def _categories(request: HttpRequest, chosen: ProductCategory | None) -> HttpResponse:
    if not may_change_all(request.user):
        raise Http404
    counted = Count("products")
    rows = list(ProductCategory.objects.annotate(goods=counted).order_by("lineage"))
    places = [each for each in rows if chosen is None or chosen.slug not in each.lineage]
    initial = {}
    if chosen is not None:
        parent = chosen.lineage[-2] if len(chosen.lineage) > 1 else ""
        initial = {"name": chosen.name, "parent": parent, "position": chosen.position}
    form = CategoryForm(request.POST or None, categories=places, initial=initial)
    if request.method == "POST":
        try:
            if chosen is not None and "delete" in request.POST:
                tree.delete_category(chosen, actor=request.user)
                messages.success(request, _("The category is deleted."))
                return redirect("dashboard-product-categories")
            if form.is_valid():
                fields = {"name": form.cleaned_data["name"], "parent": form.cleaned_data["parent"]}
                fields["position"] = form.cleaned_data["position"] or 0
                if chosen is None:
                    tree.create_category(actor=request.user, **fields)
                else:
                    tree.change_category(chosen, actor=request.user, **fields)
                messages.success(request, _("Saved."))
                return redirect("dashboard-product-categories")
        except DomainError as refusal:
            if "delete" in request.POST:
                messages.error(request, str(refusal))
                return redirect("dashboard-product-categories")
            show_refusal(form, refusal)
    context = {"nav": "products", "categories": rows, "tree": _tree(rows), "chosen": chosen, "form": form}
    status = 400 if request.method == "POST" else 200
    return render(request, "dashboard/products/categories.html", context, status=status)


def _tree(rows: list[Any]) -> list[Any]:
    """The categories at the root, each with `below`; those of one place in their order."""
    by_slug = {row.slug: row for row in rows}
    roots: list[Any] = []
    for row in rows:
        row.below = []
    for row in sorted(rows, key=lambda each: (each.position, each.name)):
        above = by_slug.get(row.lineage[-2]) if len(row.lineage) > 1 else None
        (above.below if above else roots).append(row)
    return roots


def _product(request: HttpRequest, slug: str) -> Product:
    found: Product | None = products_where_change(request.user).filter(slug=slug).for_show().first()
    if found is None:
        raise Http404
    return found


def _edit(request: HttpRequest, product: Product | None) -> HttpResponse:
    currency = product.currency if product else current_tenant().currency
    form = ProductForm(
        request.POST if request.method == "POST" else None,
        product=product,
        categories=categories_where_change(request.user).order_by("lineage"),
        currency=currency,
    )
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                with transaction.atomic():
                    saved = _save(request, form, product)
                messages.success(request, _("Saved."))
                return redirect("dashboard-product", slug=saved.slug)
            except DomainError as refusal:
                show_refusal(form, refusal, NAMES | {"variants.0.sku": "sku"})
    context = {"nav": "products", "product": product, "form": form, "currency": currency}
    return render(request, "dashboard/products/edit.html", context, status=status)


def _save(request: HttpRequest, form: ProductForm, product: Product | None) -> Product:
    if product is None:
        variant = form.fields_of_variant()
        return services.create_product(actor=request.user, variants=[variant], **form.fields_of_product())
    services.update_product(product, actor=request.user, **form.fields_of_product())
    if form.variant is not None:
        services.change_variant(form.variant, actor=request.user, **form.fields_of_variant())
    return product
