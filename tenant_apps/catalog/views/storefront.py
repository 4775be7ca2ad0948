"""What a buyer sees of the goods: a list with filters, and each product's page."""

from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from shared_apps.core.access import anyone
from shared_apps.core.codes import unguessable_secret
from tenant_apps.catalog.models import Parameter, Product, ProductCategory
from tenant_apps.catalog.selling import open_here, takes_orders
from tenant_apps.catalog.structured import product_data
from tenants.context import current_tenant

PAGE = 24
PREFIX = "param."
MOST_VALUES = 12
MOST_FACETS = 8
ORDERS = {"name": "name", "price": "price_minor", "-price": "-price_minor", "-created_at": "-created_at"}


@anyone
def products(request: HttpRequest) -> HttpResponse:
    """The list, with filters that stand in the address: four statements, and one for each parameter chosen."""
    query = request.GET
    chosen: dict[str, Any] = {
        "search": query.get("search", "").strip()[:100],
        "category": query.get("category", "")[:60],
        "in_stock": query.get("in_stock") == "true",
        "ordering": query.get("ordering", "") if query.get("ordering", "") in ORDERS else "name",
    }
    wanted = {
        name.removeprefix(PREFIX): [value[:300] for value in query.getlist(name)[:20] if value]
        for name in list(query)[:40]
        if name.startswith(PREFIX) and len(PREFIX) < len(name) <= 100
    }
    wanted = {name: values for name, values in list(wanted.items())[:MOST_FACETS] if values}
    base = Product.objects.public()
    if chosen["search"]:
        base = base.matching(chosen["search"])
    if chosen["category"]:
        base = base.below([chosen["category"]])
    if chosen["in_stock"]:
        base = base.in_stock()
    number = query.get("page", "")[:6]  # Python refuses to read a number of thousands of digits
    page = min(max(int(number), 1), 1000) if number.isascii() and number.isdigit() else 1
    found = base.having(wanted).order_by(ORDERS[str(chosen["ordering"])], "pk").for_show()
    # One more than fits tells whether there is a next page, without counting.
    rows = list(found[(page - 1) * PAGE : page * PAGE + 1])
    for product in rows:
        _with_offer(product)
    context = {
        "nav": "products",
        "products": rows[:PAGE],
        "more": len(rows) > PAGE,
        "page": page,
        "chosen": chosen,
        "facets": _facets(base, wanted),
        "categories": ProductCategory.objects.annotate(
            goods=Count("products", filter=Q(products__published=True))
        ).order_by("lineage"),
        "open": open_here(),
        "filtered": bool(chosen["search"] or chosen["category"] or chosen["in_stock"] or wanted),
        "wanted": sum(len(values) for values in wanted.values()),
    }
    response = render(request, "storefront/products/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@anyone
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product with its variants, stock and parameters."""
    found = Product.objects.public().filter(slug=slug).for_show().first()
    if found is None:
        raise Http404
    _with_offer(found)
    lineage = found.category.lineage if found.category else []
    above = {one.slug: one for one in ProductCategory.objects.filter(slug__in=lineage)} if lineage else {}
    context = {
        "nav": "products",
        "product": found,
        # Of this showing of the form: the same one sent twice puts nothing more into the cart.
        "key": unguessable_secret(),
        "variants": found.variants.all(),
        "path": [above[each] for each in lineage if each in above],
        "data": product_data(found, current_tenant()),
    }
    return render(request, "storefront/products/product.html", context)


def _with_offer(product: Any) -> None:
    """Put on the row what a card shows: the lowest price, whether there is stock, whether little is left."""
    variants = list(product.variants.all())
    for one in variants:
        one.own_minor = product.price_minor if one.price_minor is None else one.price_minor
    prices = [one.own_minor for one in variants] or [product.price_minor]
    product.lowest_minor, product.several = min(prices), len(set(prices)) > 1
    product.takes = takes_orders(product)
    product.buyable = product.takes and any(one.in_stock for one in variants)
    left = [one.free for one in variants if one.free is not None]
    few = len(left) == len(variants) and sum(left) <= 5
    product.few = sum(left) if few and product.buyable else 0


def _facets(base: Any, wanted: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The parameters to filter by. A chosen one counts its other values as if it were not chosen."""
    names = list(Parameter.objects.filter(filterable=True).values_list("name", flat=True).distinct()[:200])
    facets = {one.name: one for one in base.having(wanted).facets(names)}
    for name in wanted:
        others = {each: values for each, values in wanted.items() if each != name}
        facets |= {one.name: one for one in base.having(others).facets([name])}
    shown = []
    for name in sorted(facets, key=lambda each: (each not in wanted, names.index(each) if each in names else 0)):
        values = [
            {"value": _text(value), "label": value, "count": count, "chosen": _text(value) in wanted.get(name, [])}
            for value, count in facets[name].values
        ]
        # One value for all of them is nothing to choose from.
        if len(values) > 1 or name in wanted:
            shown.append({"name": name, "values": values[:MOST_VALUES], "open": name in wanted})
    return shown[:MOST_FACETS]


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else f"{value}"
