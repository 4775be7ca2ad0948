"""What buyers see of the goods."""

from django.urls import path

from tenant_apps.catalog.views import images, storefront

urlpatterns = [
    path("products/", storefront.products, name="storefront-products"),
    path("products/<slug:slug>/", storefront.product, name="storefront-product"),
    path("media/products/<str:file>", images.file, name="product-image-file"),
]
