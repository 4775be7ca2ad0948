"""The bodies of older clients, turned into ours. `api.v1.aliases` says under which paths."""

from api.v1.accounts import views


class RegisterView(views.RegistrationView):
    """`{username?, email, password}`: the user name becomes the name that is shown."""

    renames = {"password": ("password1", "password2"), "username": ("name",)}


class ActivateView(views.VerifyEmailView):
    """`{email, confirmation_code}` or `{token}`."""

    renames = {"confirmation_code": ("code",), "token": ("key",)}


class ChangePasswordView(views.PasswordChangeView):
    """`{password, new_password}`, typed once."""

    renames = {"password": ("old_password",), "new_password": ("new_password1", "new_password2")}
