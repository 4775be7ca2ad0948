"""A service's refusal shown where people look for it: at the field, or above the form."""

from collections.abc import Mapping

from django.forms import BaseForm
from django.utils.html import format_html
from django.utils.translation import gettext as _

from shared_apps.core.errors import DomainError


def sentence(refusal: DomainError) -> str:
    """Return what a refusal says, with the way out behind it where there is one: a larger plan."""
    way_out = refusal.members.get("upgrade_url")
    if not way_out:
        return str(refusal)
    return format_html('{} <a href="{}">{}</a>', str(refusal), way_out, _("See the plans"))


def show_refusal(form: BaseForm, refusal: DomainError, fields: Mapping[str, str] | None = None) -> None:
    """Add the refusal's sentences to the form. `fields` maps the service's paths to the form's names."""
    names = fields or {}

    def place(path: str) -> str | None:
        name = names.get(path, path.partition(".")[0])
        return name if name in form.fields else None

    if not refusal.errors:
        form.add_error(place(refusal.field), sentence(refusal))
    for error in refusal.errors:
        form.add_error(place(error.field), str(error.message))
