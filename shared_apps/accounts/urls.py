"""The account pages, on the platform's host and on every tenant's."""

from django.urls import include, path

from shared_apps.accounts import views

_pages = [
    path("", views.OverviewView.as_view(), name="overview"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("logout-everywhere/", views.LogoutEverywhereView.as_view(), name="logout-everywhere"),
    path("register/", views.RegisterView.as_view(), name="register"),
    path("confirm/", views.ConfirmView.as_view(), name="confirm"),
    path("resend/", views.ResendView.as_view(), name="resend"),
    path("password/", views.PasswordView.as_view(), name="password"),
    path("reset/", views.ResetView.as_view(), name="reset"),
    path("reset/<str:uid>/<str:token>/", views.ResetSetView.as_view(), name="reset-set"),
]
urlpatterns = [path("account/", include((_pages, "account")))]
