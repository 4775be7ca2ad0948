"""What the pages' looks are made of: icons, drawn covers, the tenant's colour, bars. See docs/design-system.md."""

import json
from typing import Any

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from shared_apps.core import covers
from shared_apps.core.colour import brand

register = template.Library()
# As Django's json_script does.
_IN_SCRIPT = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """{% icon "calendar" %}: an icon of static/icons.svg. Says nothing to a screen reader; put words beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        css,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def cover(event: Any, key: object = "") -> SafeString:
    """{% cover event %}: a picture drawn from the event's title and category."""
    category = f"{event.category.slug} {event.category.name}" if event.category_id else ""
    return mark_safe(covers.cover(event.title, category, str(key)))  # noqa: S308  (numbers and constants only)


@register.simple_tag
def pattern(title: str, category: str = "", key: object = "") -> SafeString:
    """{% pattern tenant.name %}: the same drawing for something that is no event."""
    return mark_safe(covers.cover(title, category, str(key)))  # noqa: S308


@register.simple_tag(takes_context=True)
def brand_style(context: Context, colour: str) -> SafeString:
    """{% brand_style tenant.colour %}: the tenant's colour, and the shades of it that text can be read in."""
    shades = brand(colour)
    light = format_html("--brand-ink:{};--brand-soft:{}", shades.ink_light, shades.soft_light)
    dark = format_html("--brand-ink:{};--brand-soft:{}", shades.ink_dark, shades.soft_dark)
    base = format_html("--brand:{};--brand-hover:{};--on-brand:{}", shades.colour, shades.hover, shades.on)
    return format_html(
        '<style nonce="{}">:root{{{};{}}}@media(prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{}}}}}'
        ':root[data-theme="dark"]{{{}}}</style>',
        getattr(context.get("request"), "csp_nonce", ""),
        base,
        light,
        mark_safe(dark),  # noqa: S308  (made by format_html above)
        mark_safe(dark),  # noqa: S308
    )


@register.simple_tag
def structured_data(data: Any) -> SafeString:
    """{% structured_data data %}: what search engines read, as JSON-LD. Nothing in it can end the element (B8)."""
    text = json.dumps(data, ensure_ascii=False, default=str).translate(_IN_SCRIPT)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(text))  # noqa: S308  (escaped above)


@register.simple_tag
def fill(sold: int, held: int, capacity: int | None) -> SafeString:
    """{% fill quota.sold quota.held quota.capacity %}: a bar of what is gone. The numbers stand beside it as words."""
    if not capacity:
        capacity = max(sold + held, 1)
        full = False
    else:
        full = sold >= capacity
    sold_share = min(sold / capacity, 1) * 100
    held_share = min(held / capacity, 1 - sold_share / 100) * 100
    return format_html(
        '<svg class="fill{}" aria-hidden="true" focusable="false"><rect class="fill__sold" width="{}%" height="100%"/>'
        '<rect class="fill__held" x="{}%" width="{}%" height="100%"/></svg>',
        " fill--full" if full else "",
        f"{sold_share:.1f}",
        f"{sold_share:.1f}",
        f"{held_share:.1f}",
    )


@register.simple_tag(takes_context=True)
def with_query(context: Context, **changes: Any) -> str:
    """{% with_query page=2 %}: the present query string with some parameters changed; None or "" takes one out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = value
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def initial(text: str) -> str:
    """The first letter, for a mark without a logo."""
    return next((letter.upper() for letter in str(text) if letter.isalnum()), "F")
