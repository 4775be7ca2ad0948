"""A service's refusal shown where people look for it: at the field, or above the form."""

from collections.abc import Mapping

from django.forms import BaseForm

from shared_apps.core.errors import DomainError


def show_refusal(form: BaseForm, refusal: DomainError, fields: Mapping[str, str] | None = None) -> None:
    """Add the refusal's sentences to the form. `fields` maps the service's paths to the form's names."""
    names = fields or {}

    def place(path: str) -> str | None:
        name = names.get(path, path.partition(".")[0])
        return name if name in form.fields else None

    if not refusal.errors:
        form.add_error(place(refusal.field), str(refusal))
    for error in refusal.errors:
        form.add_error(place(error.field), str(error.message))
