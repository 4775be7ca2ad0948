"""The account pages, on the platform's host and on every tenant's."""

from django.urls import include, path

from shared_apps.accounts import hand_over, views, views_history, views_security, views_social

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
_pages += [
    path("second-step/", views_security.SecondStepView.as_view(), name="second-step"),
    path("security/", views_security.SecurityView.as_view(), name="security"),
    path("security/history/", views_history.history, name="security-history"),
    path("security/totp/", views_security.TotpView.as_view(), name="totp"),
    path("security/totp/off/", views_security.TotpOffView.as_view(), name="totp-off"),
    path("security/codes/", views_security.NewCodesView.as_view(), name="new-codes"),
    path("security/sessions/<uuid:id>/end/", views_security.EndSessionView.as_view(), name="end-session"),
    path("security/linked/<int:id>/unlink/", views_security.UnlinkView.as_view(), name="unlink"),
    path("security/linked/<int:id>/link/", views_security.LinkAgainView.as_view(), name="link-again"),
    path("email/", views_security.EmailView.as_view(), name="email"),
    path("email/confirm/", views_security.EmailConfirmView.as_view(), name="email-confirm"),
    path("social/return/", views_social.come_back, name="social-return"),
    path("social/<slug:provider>/", views_social.start, name="social"),
]
# Providers know one address of ours: the platform's.
_platform_pages = [
    *_pages,
    path("social/<slug:provider>/go/", views_social.go, name="social-go"),
    path("social/<slug:provider>/callback/", views_social.callback, name="social-callback"),
    path("hand-over/", hand_over.hand_over, name="hand-over"),
]
_tenant_pages = [*_pages, path("arrive/", hand_over.arrive, name="arrive")]
urlpatterns = [path("account/", include((_tenant_pages, "account")))]
platform_urlpatterns = [path("account/", include((_platform_pages, "account")))]
