"""What buyers see of the goods."""

from django.urls import path

from tenant_apps.catalog.views import storefront

urlpatterns = [
    path("products/", storefront.products, name="storefront-products"),
    path("products/<slug:slug>/", storefront.product, name="storefront-product"),
]
