"""The pages of a person about themselves, on the platform's host and on every tenant's."""

from django.urls import include, path

from shared_apps.people import views

_pages = [
    path("picture/", views.picture, name="picture"),
    path("avatars/<str:file>", views.avatar, name="avatar"),
    path("notifications/", views.notifications, name="notifications"),
    path("phone/", views.phone, name="phone"),
    path("data/", views.data, name="data"),
    path("data/export/", views.export, name="export"),
    path("data/exports/<uuid:pk>/", views.download, name="download"),
    path("data/erase/", views.erase, name="erase"),
    path("erasure/<str:secret>/", views.erasure, name="erasure"),
]
urlpatterns = [path("account/", include((_pages, "people")))]
