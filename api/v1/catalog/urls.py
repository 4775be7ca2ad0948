"""Where goods are found, and what staff do with them."""

from django.urls import path

from api.v1.catalog import delivery, images, taxonomy, variants, views

tenant_urls = [
    path("products/", views.ProductsView.as_view(), name="products"),
    path("products/<str:slug>/", views.ProductView.as_view(), name="product"),
    path("products/<str:slug>/variants/", variants.VariantsView.as_view(), name="product-variants"),
    path("products/<str:slug>/variants/<int:pk>/", variants.VariantView.as_view(), name="product-variant"),
    path("products/<str:slug>/images/", images.ImagesView.as_view(), name="product-images"),
    path("products/<str:slug>/images/<int:pk>/", images.ImageView.as_view(), name="product-image"),
    path("product-bulk/", views.BulkView.as_view(), name="product-bulk"),
    path("product-facets/", views.FacetsView.as_view(), name="product-facets"),
    path("product-categories/", taxonomy.CategoriesView.as_view(), name="product-categories"),
    path("product-categories/<str:slug>/", taxonomy.CategoryView.as_view(), name="product-category"),
    path(
        "product-categories/<str:slug>/accepting-orders/",
        taxonomy.AcceptingView.as_view(),
        name="product-category-accepting",
    ),
    path("categories/<str:slug>/grants/", taxonomy.GrantsView.as_view(), name="category-grants"),
    path("categories/<str:slug>/grants/<int:pk>/", taxonomy.GrantView.as_view(), name="category-grant"),
    # The same beside the category itself.
    path("product-categories/<str:slug>/grants/", taxonomy.GrantsBesideView.as_view()),
    path("product-categories/<str:slug>/grants/<int:pk>/", taxonomy.GrantBesideView.as_view()),
    path("delivery-methods/", delivery.MethodsView.as_view(), name="delivery-methods"),
    path("delivery-methods/<int:pk>/", delivery.MethodView.as_view(), name="delivery-method"),
]
