"""Views below /events/{event}/ see that event and nothing else."""

from typing import Any

from django.db.models import Q
from django.utils.functional import cached_property

from api.permissions import ANYONE, OWN, SIGNED_IN, names_of, rule_of
from shared_apps.core.errors import Forbidden, NotFound, SignInRequired
from tenant_apps.events.models import Event


def by_slug_or_id(given: str) -> Q:
    """Return the condition for a public identifier: a slug, or an id (no slug is of digits only)."""
    if given.isascii() and given.isdigit():
        return Q(pk=int(given)) if len(given) <= 18 else Q(pk__in=())
    return Q(slug=given)


class EventScoped:
    """Gives a view `self.event`, named by the URL as `event` (slug or id), and asks permissions on that event.

    Who may not see the event gets 404: drafts and archived ones are there for those only who may do something
    on them. Who sees it but may not do this gets 403, whoever is not signed in 401 (I2).
    """

    request: Any
    kwargs: dict[str, Any]
    event_kwarg = "event"

    @cached_property
    def event(self) -> Event:
        """The event of the URL. Raises NotFound, Forbidden or SignInRequired."""
        event = self.events().called(str(self.kwargs[self.event_kwarg])).first()
        if event is None:
            raise NotFound
        self._admit(event)
        return event

    def events(self) -> Any:
        """The events that the URL may name at all, before rights are asked; views add what they need to read."""
        return Event.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "event": self.event, "currency": self.event.currency}  # type: ignore[misc]  # of the view that this class is mixed into

    def _admit(self, event: Event) -> None:
        rule = rule_of(self, self.request.method)
        names = () if rule in (None, ANYONE, SIGNED_IN, OWN) else names_of(rule or ())
        if is_public(event) and not names:
            return
        user = self.request.user
        held = permissions_on(user, event)
        if not is_public(event) and not held:
            raise NotFound
        if names and not held.intersection(names):
            raise Forbidden if user.is_authenticated else SignInRequired


def is_public(event: Event) -> bool:
    """Tell whether anyone may see this event, as `Event.objects.public()` does in SQL."""
    return event.status in ("published", "postponed", "cancelled", "finished")


def permissions_on(user: Any, event: Event) -> frozenset[str]:
    """Return what the person may do on this event that has to do with events."""
    from tenant_apps.staff.permissions import EVENT_PERMISSIONS
    from tenant_apps.staff.permissions import permissions_on as held

    return held(user, event) & frozenset(EVENT_PERMISSIONS)
