"""Pictures of products: the staff's page, and the files themselves."""

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shared_apps.core import picture_page, pictures
from shared_apps.core.access import anyone, staff
from tenant_apps.catalog import images
from tenant_apps.catalog.models import Product, ProductImage
from tenant_apps.catalog.rights import products_seen, products_where_change


@staff("change_catalog")
def product_images(request: HttpRequest, slug: str) -> HttpResponse:
    """The pictures of one product: adding, describing, ordering, choosing the one that leads."""
    product = products_where_change(request.user).filter(slug=slug).first()
    if product is None:
        raise Http404
    writing = picture_page.Writing(
        rows=ProductImage.objects.filter(product=product),
        add=partial(images.add_image, product, actor=request.user),
        change=partial(images.change_image, actor=request.user),
        delete=partial(images.delete_image, actor=request.user),
    )
    context = {"nav": "products", "product": product, "product_tab": "images"}
    return picture_page.page(request, writing, "dashboard/products/images.html", context)


@anyone
@require_safe
def file(request: HttpRequest, file: str) -> HttpResponse:
    """One file of a picture; of a hidden product's, only for who may change the product."""
    stem, width, kind = pictures.parsed(file)
    found = ProductImage.objects.filter(stem=stem).first()
    if found is None:
        raise Http404
    public = Product.objects.public().filter(pk=found.product_id).exists()
    if not public and not products_seen(request.user).filter(pk=found.product_id).exists():
        raise Http404
    return pictures.response(found, width, kind, public=public)
