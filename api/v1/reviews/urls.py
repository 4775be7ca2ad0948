"""Reviews: of an event, one's own, and what staff decide about."""

from django.urls import path

from api.v1.reviews import moderation, views

tenant_urls = [
    path("events/<str:event>/reviews/", views.EventReviewsView.as_view(), name="event-reviews"),
    path("reviews/moderation/", moderation.ModerationView.as_view(), name="reviews-moderation"),
    path("reviews/mine/", views.MineView.as_view(), name="reviews-mine"),
    path("reviews/to-write/", views.ToWriteView.as_view(), name="reviews-to-write"),
    path("reviews/<uuid:pk>/", views.ReviewView.as_view(), name="review"),
    path("reviews/<uuid:pk>/report/", views.ReportView.as_view(), name="review-report"),
    path("reviews/<uuid:pk>/answer/", moderation.AnswerView.as_view(), name="review-answer"),
]
