"""Reviews: on the storefront, in one's account, and on the staff's side."""

from django.urls import path

from tenant_apps.reviews.views import dashboard as staff
from tenant_apps.reviews.views import storefront as public

storefront = [
    path("events/<slug:slug>/reviews/", public.listed, name="storefront-reviews"),
    path("events/<slug:slug>/review/", public.write, name="storefront-review"),
    path("reviews/<uuid:pk>/report/", public.report, name="storefront-review-report"),
    path("account/reviews/", public.mine, name="my-reviews"),
]
dashboard = [
    path("reviews/", staff.reviews, name="dashboard-reviews"),
    path("reviews/decide/", staff.decide, name="dashboard-reviews-decide"),
    path("reviews/<uuid:pk>/answer/", staff.answer, name="dashboard-review-answer"),
]
