"""auth/ and me/, the same on the platform's host and on tenants'."""

from django.urls import path

from api.v1.accounts import security, views

_everywhere = [
    path("auth/registration/", views.RegistrationView.as_view(), name="registration"),
    path("auth/registration/verify-email/", views.VerifyEmailView.as_view(), name="verify-email"),
    path("auth/registration/resend-email/", views.ResendEmailView.as_view(), name="resend-email"),
    path("auth/login/", views.LoginView.as_view(), name="login"),
    path("auth/token/refresh/", views.TokenRefreshView.as_view(), name="token-refresh"),
    path("auth/token/verify/", views.TokenVerifyView.as_view(), name="token-verify"),
    path("auth/logout/", views.LogoutView.as_view(), name="logout"),
    path("auth/logout-all/", views.LogoutAllView.as_view(), name="logout-all"),
    path("auth/user/", views.UserView.as_view(), name="user"),
    path("auth/password/change/", views.PasswordChangeView.as_view(), name="password-change"),
    path("auth/password/reset/", views.PasswordResetView.as_view(), name="password-reset"),
    path("auth/password/reset/confirm/", views.PasswordResetConfirmView.as_view(), name="password-reset-confirm"),
    path("auth/mfa/totp/", security.TotpView.as_view(), name="totp"),
    path("auth/mfa/totp/confirm/", security.TotpConfirmView.as_view(), name="totp-confirm"),
    path("auth/mfa/recovery-codes/", security.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("auth/email/change/", security.EmailChangeView.as_view(), name="email-change"),
    path("auth/email/change/confirm/", security.EmailChangeConfirmView.as_view(), name="email-change-confirm"),
    path("auth/sessions/", security.SessionsView.as_view(), name="sessions"),
    path("auth/sessions/<uuid:id>/", security.SessionView.as_view(), name="session"),
    path("auth/social-accounts/", security.LinkedView.as_view(), name="linked"),
    path("auth/social-accounts/<int:id>/", security.LinkedOneView.as_view(), name="linked-one"),
    path("auth/social/<slug:provider>/", security.SocialView.as_view(), name="social"),
]
public_urls = _everywhere
tenant_urls = _everywhere
