"""The staff's pages about goods."""

from django.urls import path

from tenant_apps.catalog.views import dashboard

urlpatterns = [
    path("products/", dashboard.products, name="dashboard-products"),
    path("new-product/", dashboard.new_product, name="dashboard-product-new"),
    path("products/<slug:slug>/", dashboard.edit_product, name="dashboard-product"),
    path("products/<slug:slug>/delete/", dashboard.delete_product, name="dashboard-product-delete"),
    path("variants/<int:pk>/", dashboard.quick_edit, name="dashboard-variant"),
    path("product-categories/", dashboard.categories, name="dashboard-product-categories"),
    path("product-categories/<slug:slug>/", dashboard.category, name="dashboard-product-category"),
]
