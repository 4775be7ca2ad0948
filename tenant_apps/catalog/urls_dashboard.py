"""The staff's pages about goods."""

from django.urls import path

from tenant_apps.catalog.views import dashboard, delivery, images

urlpatterns = [
    path("products/", dashboard.products, name="dashboard-products"),
    path("new-product/", dashboard.new_product, name="dashboard-product-new"),
    path("products/<slug:slug>/", dashboard.edit_product, name="dashboard-product"),
    path("products/<slug:slug>/delete/", dashboard.delete_product, name="dashboard-product-delete"),
    path("products/<slug:slug>/images/", images.product_images, name="dashboard-product-images"),
    path("variants/<int:pk>/", dashboard.quick_edit, name="dashboard-variant"),
    path("product-bulk/", dashboard.bulk, name="dashboard-product-bulk"),
    path("delivery-methods/", delivery.methods, name="dashboard-delivery"),
    path("delivery-methods/<int:pk>/", delivery.method, name="dashboard-delivery-method"),
    path("product-categories/<slug:slug>/orders/", dashboard.switch, name="dashboard-product-category-orders"),
    path("product-categories/", dashboard.categories, name="dashboard-product-categories"),
    path("product-categories/<slug:slug>/", dashboard.category, name="dashboard-product-category"),
]
