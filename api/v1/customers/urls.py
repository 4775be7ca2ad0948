"""Where likes, favourites and follows are found."""

from django.urls import path

from api.v1.customers import views

tenant_urls = [
    path("events/<str:event>/like/", views.EventLikeView.as_view(), name="event-like"),
    path("products/<str:slug>/like/", views.ProductLikeView.as_view(), name="product-like"),
    path("favorites/", views.FavouritesView.as_view(), name="favorites"),
    path("favorites/<uuid:pk>/", views.FavouriteView.as_view(), name="favorite"),
    path("follow/", views.FollowView.as_view(), name="follow"),
    path("followers/", views.FollowersView.as_view(), name="followers"),
]
