"""Days in few letters, as each language writes them."""

from datetime import date

from django import template
from django.utils.formats import date_format
from django.utils.translation import get_language

register = template.Library()


@register.filter
def short_day(day: date) -> str:
    """24 Oct; months have small letters everywhere but in English."""
    text = date_format(day, "j M")
    return text if (get_language() or "en").startswith("en") else text.lower()
