"""What the pages' looks are made of: icons, drawn covers, the tenant's colour, bars. See docs/design-system.md."""

import json
from typing import Any

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from shared_apps.core import covers, pictures
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


# How wide a picture is shown, for the browser to choose a file by: in cards, and at the head of a page.
IN_CARDS = "(min-width: 62rem) 24rem, (min-width: 40rem) 50vw, 100vw"
IN_HEAD, IN_ROWS = "(min-width: 72rem) 72rem, 100vw", "4rem"


@register.simple_tag
def cover(event: Any, key: object = "") -> SafeString:
    """{% cover event %}: the event's leading picture if `with_pictures()` has loaded one, else a drawing from its title
    and category. Silent beside the title; `page` and `featured` are large."""
    lead = pictures.lead_of(getattr(event, "picture_list", None))
    if lead is not None:
        return _lead("events", lead, key)
    category = f"{event.category.slug} {event.category.name}" if event.category_id else ""
    return mark_safe(covers.cover(event.title, category, str(key)))  # noqa: S308  (numbers and constants only)


@register.simple_tag
def product_cover(product: Any, key: object = "") -> SafeString:
    """{% product_cover product %}: the same for a product that `for_show()` has loaded."""
    lead = pictures.lead_of(product.picture_list)
    if lead is not None:
        return _lead("products", lead, key)
    category = product.category.name if product.category_id else ""
    return mark_safe(covers.cover(product.name, category, str(key)))  # noqa: S308  (numbers and constants only; the name goes in as a hash)


def _lead(folder: str, lead: Any, key: object) -> SafeString:
    """The leading picture in its place: in a card or a row it stands beside the title, so it says nothing itself."""
    large = key in ("page", "featured")
    sizes = IN_HEAD if large else IN_ROWS if key == "list" else IN_CARDS
    return picture(folder, lead, sizes, eager=large, said=key == "page")


@register.simple_tag
def picture(folder: str, shown: Any, sizes: str = IN_CARDS, eager: bool = False, said: bool = True) -> SafeString:
    """{% picture "products" image sizes %}: one picture in all its sizes, WebP first.

    Width and height keep its place while it loads. What is beside its own title says nothing (`said`).
    """
    sets = {
        kind: ", ".join(f"{one.address} {one.width}w" for one in pictures.sources(folder, shown, kind))
        for kind in pictures.TYPES
    }
    return format_html(
        '<picture class="cover picture"><source type="image/webp" srcset="{}" sizes="{}">'
        '<img class="cover" src="{}" srcset="{}" sizes="{}" width="{}" height="{}" alt="{}" {}decoding="async">'
        "</picture>",
        sets["webp"],
        sizes,
        pictures.sources(folder, shown, "jpg")[0].address,
        sets["jpg"],
        sizes,
        shown["width"],
        shown["height"],
        shown["alt"] if said else "",
        "" if eager else mark_safe('loading="lazy" '),
    )


@register.simple_tag(takes_context=True)
def og_image(context: Context, folder: str, shown: Any) -> SafeString:
    """{% og_image "products" product.picture_list %}: what a shared link shows, with a whole address."""
    lead = pictures.lead_of(shown)
    request = context.get("request")
    if lead is None or request is None:
        return SafeString("")
    # No wider than what is shown anywhere; some take nothing larger than a few hundred KB.
    fitting = [one for one in pictures.sources(folder, lead, "jpg") if one.width <= 1280]
    best = fitting[-1] if fitting else pictures.sources(folder, lead, "jpg")[0]
    return format_html(
        '<meta property="og:image" content="{}"><meta property="og:image:width" content="{}">'
        '<meta property="og:image:height" content="{}"><meta property="og:image:alt" content="{}">',
        request.build_absolute_uri(best.address),
        best.width,
        best.height,
        lead["alt"],
    )


@register.simple_tag
def pattern(title: str, category: str = "", key: object = "") -> SafeString:
    """{% pattern tenant.name %}: the same drawing for something that is no event."""
    return mark_safe(covers.cover(title, category, str(key)))  # noqa: S308  (numbers and constants only)


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
        mark_safe(dark),  # noqa: S308  (made by format_html above)
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
