"""The bodies of older clients, turned into ours. `api.v1.aliases` says under which paths."""

from typing import Any

from rest_framework.request import Request

from api.v1.accounts import views


class _Renamed:
    """Takes other names for the fields where ours are not given."""

    renames: dict[str, tuple[str, ...]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        body = request.data
        if isinstance(body, dict):
            for old, names in self.renames.items():
                for name in names:
                    if old in body and name not in body:
                        body[name] = body[old]


class RegisterView(_Renamed, views.RegistrationView):
    """`{username?, email, password}`: the user name becomes the name that is shown."""

    renames = {"password": ("password1", "password2"), "username": ("name",)}


class ActivateView(_Renamed, views.VerifyEmailView):
    renames = {"confirmation_code": ("code",), "token": ("key",)}


class ChangePasswordView(_Renamed, views.PasswordChangeView):
    renames = {"password": ("old_password",), "new_password": ("new_password1", "new_password2")}
