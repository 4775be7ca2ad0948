"""Stars, bars, and an event's reviews on its page, which stands below this app and does not know it."""

from decimal import Decimal
from typing import Any

from django import template
from django.template.context import Context
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tenant_apps.reviews import attendance, services
from tenant_apps.reviews.forms import ReviewForm
from tenant_apps.reviews.models import Review

register = template.Library()
# Of these many on the event's own page; the rest has a page of its own.
ON_EVENT_PAGE = 6
# A star of Lucide's (static/icons.svg), as a path to be filled.
_STAR = (
    "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.123 2.123 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904l-3.736"
    " 3.638a2.123 2.123 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.122 2.122 0 0 0-1.973 0L6.396"
    " 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.122 2.122 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0 1"
    " .294-.906l5.165-.755a2.122 2.122 0 0 0 1.597-1.16z"
)
_FIVE = "".join(f'<path d="{_STAR}" transform="translate({24 * place} 0)"/>' for place in range(5))


@register.simple_tag
def stars(rating: Any, css: str = "") -> SafeString:
    """{% stars review.rating %}: five stars, so many of them filled; read aloud as a number."""
    value = min(max(float(rating or 0), 0.0), 5.0)
    # An inner svg cuts off what is outside of it: no id, no style.
    return format_html(
        '<svg class="stars {}" viewBox="0 0 120 24" role="img" aria-label="{}" focusable="false">'
        '<g class="stars__all">{}</g>'
        '<svg class="stars__given" width="{}" height="24" viewBox="0 0 {} 24">{}</svg></svg>',
        css,
        _("%(rating)s of 5 stars") % {"rating": shown_rating(rating)},
        mark_safe(_FIVE),  # noqa: S308  (constants only)
        f"{24 * value:.1f}",
        f"{24 * value:.1f}",
        mark_safe(_FIVE),  # noqa: S308  (constants only)
    )


@register.simple_tag
def star_shape() -> SafeString:
    """{% star_shape %}: one star to be coloured by the page, for choosing; silent."""
    return mark_safe(  # noqa: S308  (constants only)
        f'<svg class="rate__shape" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{_STAR}"/></svg>'
    )


@register.filter
def shown_rating(rating: Any) -> str:
    """{{ standing.rating|shown_rating }}: a whole number of stars as such, a mean with one digit."""
    if isinstance(rating, int):
        return str(rating)
    return str(number_format(Decimal(rating or 0), decimal_pos=1))


@register.simple_tag
def rating_bars(standing: Any) -> list[dict[str, Any]]:
    """{% rating_bars event.standing as bars %}: how often each number of stars was given, five first."""
    total = standing.ratings or 0
    found = []
    for number in (5, 4, 3, 2, 1):
        count = getattr(standing, f"stars_{number}")
        found.append({"stars": number, "count": count, "percent": round(100 * count / total) if total else 0})
    return found


@register.inclusion_tag("storefront/reviews/_section.html", takes_context=True)
def event_reviews(context: Context, event: Any) -> dict[str, Any]:
    """{% event_reviews event %}: how the event stands, its newest reviews, and the form for who was there.

    Nothing, and no statement, for an event that is ahead and that nobody has rated.
    """
    standing, over = getattr(event, "standing", None), attendance.is_over(event)
    if standing is None or (not over and not standing.ratings):
        return {"shown": False}
    user = context["request"].user
    found = list(Review.objects.of_event(event)[: ON_EVENT_PAGE + 1]) if standing.ratings else []
    mine, form = None, None
    if user.is_authenticated:
        mine = Review.objects.own(user).filter(event=event).first()
        if mine is None and over and attendance.may_review(user, event):
            form = ReviewForm(initial={"name": services.short_name(user)})
    return {
        "shown": True,
        "event": event,
        "tenant": context.get("tenant"),
        "standing": standing,
        "reviews": found[:ON_EVENT_PAGE],
        "more": len(found) > ON_EVENT_PAGE,
        "over": over,
        "user": user,
        "mine": mine,
        "editable": mine is not None and services.is_editable(mine),
        "form": form,
    }
