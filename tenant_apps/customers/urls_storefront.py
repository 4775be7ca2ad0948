"""Hearts, and a person's own pages of them."""

from django.urls import path

from tenant_apps.customers.views import account, hearts

urlpatterns = [
    path("events/<slug:slug>/favourite/", hearts.event_favourite, name="storefront-event-favourite"),
    path("events/<slug:slug>/like/", hearts.event_like, name="storefront-event-like"),
    path("products/<slug:slug>/favourite/", hearts.product_favourite, name="storefront-product-favourite"),
    path("products/<slug:slug>/like/", hearts.product_like, name="storefront-product-like"),
    path("follow/", hearts.follow, name="storefront-follow"),
    path("account/favourites/", account.kept, name="my-favourites"),
    path("account/favourites/<uuid:pk>/remove/", account.forget, name="my-favourite-remove"),
    path("account/follows/", account.followed, name="my-follows"),
]
