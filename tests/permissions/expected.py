"""What a route has to answer to a caller: derived from its declaration and from what the caller holds, nothing else."""

from typing import Any

from api.permissions import ANYONE, OWN, SIGNED_IN
from api.routes import OPERATORS, Route
from shared_apps.core import access
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PRESETS
from tests.permissions.world import Actor, Place

# A person's own data requests and pictures, the tenant's logo, a mail's link; tests/people, tests/staff and
# tests/notifications tell who reaches which.
PERSONAL = (
    "/api/v1/me/exports/<",
    "/api/v1/me/erasure/<",
    "/api/v1/erasures/<",
    "/erasures/<",
    "/account/data/exports/<",
    "/account/avatars/<",
    "/account/erasure/<",
    "/media/logo/<",
    "/unsubscribe/<",
)
# People with a public profile: no tenant's, so that they are the same from everywhere.
PEOPLE = ("/api/v1/people/<", "/api/v1/profile/<", "/people/<")
# Pages about the catalog as a whole, where a grant on one category does not suffice.
WHOLE_CATALOG = ("/dashboard/product-categories/", "/dashboard/delivery-methods/", "/dashboard/imports/")
# Pages that make events, or concern all of them: a grant on one event does not suffice.
WHOLE_EVENTS = ("/dashboard/categories/", "/dashboard/tags/", "/dashboard/venues/", "/dashboard/series/")
WHOLE_MONEY = (
    "/dashboard/money/statements/", "/dashboard/money/disputes/", "/dashboard/money/promotions/",
    "/dashboard/money/settlement.csv", "/dashboard/reports/schedules/",
)  # fmt: skip
MAKES_EVENTS = (
    "/dashboard/events/<slug:slug>/repeat/",
    "/dashboard/events/<slug:slug>/duplicate/",
    "/dashboard/reports/schedules/",
)
OK, UNSIGNED, FORBIDDEN, HIDDEN, LOGIN = "reached", "401", "403", "404", "login page"


def outcome(response: Any) -> str:
    """Name what came back. "reached" is the view itself, even if it then finds the moment or the input wrong."""
    status = response.status_code
    if status == 302 and "/login/?next=" in response["Location"]:
        return LOGIN
    if status == 403 and b'"email_not_verified"' in response.content:
        return OK  # signed in and let in; what follows needs a confirmed address
    if status in (401, 403, 404):
        return str(status)
    return OK if status < 500 else f"fault {status}"


def expected(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    """Return the outcomes that the declaration allows."""
    return _of_api(route, actor, place, scope) if route.kind == "api" else _of_page(route, actor, place, scope)


def one(*names: str) -> frozenset[str]:
    return frozenset(names)


def _of_api(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    if ":provider>" in route.path:
        return one(HIDDEN)  # other services are there where the environment names them; here it names none
    if actor.suspended and route.authenticates:
        return one(UNSIGNED)  # a closed account's token is good for nothing, not even for what anybody may
    if actor.key and route.authenticates and route.host == "platform":
        return one(UNSIGNED)
    if actor.key and route.authenticates and scope == "other_tenant":
        return one(UNSIGNED)
    signed_in = actor.user is not None or bool(actor.key)
    if route.path.startswith(PERSONAL):
        # Named by a secret or a job that the world of the matrix does not hold: nobody reaches any here.
        if not route.authenticates:
            return one(HIDDEN)
        return one(FORBIDDEN if actor.key else HIDDEN) if signed_in else one(UNSIGNED)
    if route.rule == OPERATORS:
        return one(OK if actor.operator else HIDDEN) if signed_in else one(UNSIGNED)
    if route.path.startswith(PEOPLE):
        if route.rule == ANYONE:
            return one(OK)
        return one(FORBIDDEN if actor.key else OK) if signed_in else one(UNSIGNED)
    if route.rule == ANYONE:
        return _visible(route, actor, place, scope)
    if route.rule == SIGNED_IN:
        return _signed_in(route, actor, place, scope) if signed_in else one(UNSIGNED)
    if route.rule == OWN:
        return _own(route, actor, place, scope)
    if not signed_in:
        return one(UNSIGNED)
    return _staff(route, actor, place, scope)


def _names(route: Route, word: str) -> bool:
    return f":{word}>" in route.path


def _foreign(scope: str) -> bool:
    return scope == "foreign"


def _visible(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    if not route.authenticates:
        return one(OK, UNSIGNED)  # what is sent proves who one is: a password, a refresh token
    if _foreign(scope):
        return one(HIDDEN)
    if "/products/<" in route.path and not place.public and "change_catalog" not in actor.on(place):
        return one(HIDDEN)
    if _names(route, "event") and not place.public and not actor.on(place) & EVENT_PERMISSIONS.keys():
        return one(HIDDEN)
    return one(OK)


def _signed_in(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    if actor.key:
        # A program, to what is for people: only where the view names a scope for it.
        view: Any = getattr(route.callback, "cls", None)
        needed = getattr(view, "for_keys", {}).get(route.key)
        needed = {needed} if isinstance(needed, str) else set(needed or ())
        return one(OK) if needed & actor.everywhere(place.tenant) else one(FORBIDDEN)
    if route.path.startswith("/api/v1/tenants/<"):
        # On the platform's host all tenants are one list: their owners' own, and nobody else's.
        if "/exports/<" in route.path:
            return one(HIDDEN)  # the sample's archive is nobody's
        return one(OK) if _owns(actor, place) else one(HIDDEN)
    if _foreign(scope):
        return one(HIDDEN)
    if route.path.endswith("/reviews/<uuid:pk>/report/"):
        return one(OK)  # anybody reports what anybody reads
    if _names(route, "event"):
        # Something of the caller's at that event.
        return one(OK) if actor.user == place.buyer else one(OK, HIDDEN)
    if "/products/<" in route.path:
        return one(OK if place.public else HIDDEN)  # liked by anybody who may see it
    if "<" in route.path:
        # What a person names behind their sign-in is theirs, or it is not there.
        return one(OK) if actor.user == place.buyer else one(HIDDEN)
    return one(OK)


def _holds(actor: Actor, place: Place, scope: str) -> bool:
    return (place.buyer is not None and actor.user == place.buyer) or (actor.holds_secret and scope == "own")


def _own(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    if _foreign(scope):
        return one(HIDDEN)
    if route.path.startswith("/api/v1/cart/"):
        # A person's cart takes their sign-in; an order's secret opens none, and staff have no part in it.
        return one(OK) if actor.user is not None and actor.user == place.buyer else one(HIDDEN)
    if _holds(actor, place, scope):
        return one(OK)
    held = actor.on(place)
    if held.intersection(route.staff):
        if (route.method != "GET" and not _sees(actor, place)) or (_whole_order(route) and not _sees_all(actor, place)):
            return one(HIDDEN)
        return one(OK)
    return one(FORBIDDEN, HIDDEN) if _sees(actor, place) else one(HIDDEN)


def _whole_order(route: Route) -> bool:
    return "/payments/<" in route.path


def _owns(actor: Actor, place: Place) -> bool:
    return actor.everywhere(place.tenant) >= PRESETS["owner"].permissions


def _sees(actor: Actor, place: Place) -> bool:
    return "view_orders" in actor.on(place)


def _sees_all(actor: Actor, place: Place) -> bool:
    return "view_orders" in actor.everywhere(place.tenant)


def _staff(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    names = set(route.names)
    if route.scope == "tenant":
        if _names(route, "event"):
            if _foreign(scope):
                return one(HIDDEN)
            if not actor.at(place):
                return one(FORBIDDEN, HIDDEN) if place.public else one(HIDDEN)
            if names & actor.everywhere(place.tenant):
                return one(OK)
            seen = place.public or actor.on(place) & EVENT_PERMISSIONS.keys()
            return one(FORBIDDEN) if seen else one(FORBIDDEN, HIDDEN)
        if not names & actor.roles.get("beta" if scope == "other_tenant" else "alpha", frozenset()):
            return one(FORBIDDEN)
        if _foreign(scope):
            return one(HIDDEN)
        if route.path.startswith("/api/v1/imports/"):
            # The sample is a file of events: it writes what the events' own routes write, and asks for their right too.
            held = actor.roles.get("beta" if scope == "other_tenant" else "alpha", frozenset())
            if "change_event" not in held:
                return one(HIDDEN if "<" in route.path else FORBIDDEN)
        # Of those who manage staff, only an owner makes others one (I4).
        return one(FORBIDDEN) if route.path.endswith("/make-owner/") and not _owns(actor, place) else one(OK)
    if _foreign(scope):
        return one(HIDDEN)
    held = actor.on(place)
    if names & (held if "<" in route.path else actor.anywhere(place.tenant)):
        return one(OK)
    if route.scope == "category":
        # Categories are public whatever is in them.
        seen = place.public or "<" not in route.path or "/product-categories/" in route.path
        return one(FORBIDDEN) if seen else one(HIDDEN)
    if route.scope == "event":
        return one(FORBIDDEN) if place.public or held & EVENT_PERMISSIONS.keys() else one(HIDDEN)
    if "<" not in route.path and route.path.startswith("/api/v1/report"):
        return one(FORBIDDEN)  # that there are reports is no secret
    # "object": who sees the thing some other way is told no, everybody else that there is nothing.
    return one(FORBIDDEN, HIDDEN) if _sees(actor, place) or _holds(actor, place, scope) else one(HIDDEN)


def _of_page(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    signed_in = actor.user is not None and not actor.suspended
    if route.rule == OPERATORS:
        if route.path.startswith("/operator/"):
            return _of_console(actor, signed_in)
        return _of_admin(route, actor, signed_in)
    if route.path == "/operator/enter/":
        return one(HIDDEN)  # without a code of the console's it leads nowhere
    if route.path.startswith(PERSONAL):
        return one(LOGIN) if route.rule == SIGNED_IN and not signed_in else one(HIDDEN)
    if route.path.startswith(PEOPLE):
        return one(OK) if signed_in or route.rule == ANYONE else one(LOGIN)
    if route.path.startswith("/dev/"):
        # The tests run with the settings of a development server; no letter was sent, so that none can be read.
        return one(OK) if route.path == "/dev/mailbox/" else one(HIDDEN)
    if route.path.startswith("/invitations/"):
        return one(HIDDEN)  # the sample's token is nobody's
    if ":provider>" in route.path:
        return one(OK) if route.path.endswith("/go/") else one(HIDDEN)  # "go" only sends the browser on
    if route.rule == ANYONE:
        hidden = _foreign(scope) or not place.public
        if route.path.startswith("/media/") and not _foreign(scope) and signed_in:
            # A draft's pictures, for who may see the draft.
            needed = EVENT_PERMISSIONS.keys() if "/events/" in route.path else {"change_catalog"}
            hidden = hidden and not actor.on(place) & needed
        return one(HIDDEN) if hidden and "<" in route.path else one(OK)
    if route.path.startswith("/cart/lines/"):
        # A person's cart takes their sign-in.
        return one(OK) if actor.user is not None and actor.user == place.buyer else one(HIDDEN)
    if route.rule == OWN:
        # The secret is in the address: whoever has it is at home, and it opens nothing else.
        return one(OK) if scope in ("own", "other_tenant") else one(HIDDEN)
    if not signed_in:
        return one(LOGIN)
    if route.path.startswith("/account/tickets/<"):
        # Whoever ordered it, on whatever host.
        return one(OK) if actor.user == place.buyer else one(HIDDEN)
    if route.rule == SIGNED_IN:
        return one(OK, HIDDEN) if "<" in route.path else one(OK)
    return _staff_page(route, actor, place, scope)


def _of_console(actor: Actor, signed_in: bool) -> frozenset[str]:
    if actor.operator:
        return one(OK)
    return one(HIDDEN if signed_in else LOGIN)


def _of_admin(route: Route, actor: Actor, signed_in: bool) -> frozenset[str]:
    if route.path == "/admin/logout/":
        # Django lets anybody log out; it shows nothing, and whoever is signed in nowhere stays so.
        return one(OK) if signed_in else one(OK, LOGIN)
    if not actor.operator:
        # The sign-in is no secret page: who is signed in and no operator is told that there is none.
        return one(HIDDEN) if signed_in and route.path == "/admin/login/" else one(LOGIN)
    if route.path == "/admin/billing/plan/add/":
        return one(OK)  # what there is to buy, operators say
    if route.path.startswith(
        ("/admin/accounts/", "/admin/billing/", "/admin/django_celery_beat/")
    ) and route.path.endswith(("/add/", "/delete/")):
        return one(FORBIDDEN)  # people and sessions are not added or deleted by hand
    if route.path == "/admin/accounts/platformauditentry/<path:object_id>/change/" and route.method == "POST":
        return one(FORBIDDEN)  # the trail is read there, and nobody changes it
    if route.path.startswith("/admin/tenants/"):
        # Asked for there and made by workers; a restore only from a backup's own line.
        by_hand = route.path.endswith(("/delete/", "/change/")) and (route.method == "POST" or "/delete/" in route.path)
        alone = route.path == "/admin/tenants/restore/add/" and route.method == "GET"
        return one(FORBIDDEN) if by_hand or alone else one(OK)
    if route.path == "/admin/autocomplete/" and route.method == "GET":
        return one(FORBIDDEN)  # without a field to complete there is nothing that one may see
    # The sample's address leads nowhere, and Django's "view on site" knows no page of ours.
    return one(HIDDEN) if route.path.startswith(("/admin/(", "/admin/r/")) else one(OK)


def _staff_page(route: Route, actor: Actor, place: Place, scope: str) -> frozenset[str]:
    tenant = place.tenant if scope != "foreign" else None
    names = set(route.names)
    if route.rule == access.STAFF:
        works = actor.works_at(tenant) if tenant else "alpha" in actor.members or bool(actor.granted)
        if not works:
            return one(FORBIDDEN)
        return one(HIDDEN) if _foreign(scope) and "<" in route.path else one(OK)
    anywhere = actor.anywhere(tenant) if tenant else _at_alpha(actor)
    if not names & anywhere:
        return one(FORBIDDEN)
    if route.path == "/dashboard/imports/":
        return one(OK)
    if route.path == "/dashboard/imports/<slug:resource>/":
        # The sample's kind of file is events; no tenant owns the name.
        held = actor.everywhere(tenant) if tenant else actor.roles.get("alpha", frozenset())
        return one(OK) if {"import", "change_event"} <= held else one(HIDDEN)
    if route.path.startswith(WHOLE_CATALOG) and not route.path.endswith("/orders/"):
        needed = {"import", "change_catalog"} if "/imports/" in route.path else {"change_catalog"}
        held = actor.everywhere(tenant) if tenant else actor.roles.get("alpha", frozenset())
        return one(HIDDEN) if not needed <= held or (_foreign(scope) and "<" in route.path) else one(OK)
    if route.path.startswith(WHOLE_EVENTS + WHOLE_MONEY) or route.path in (*MAKES_EVENTS, "/dashboard/money/"):
        held = actor.everywhere(tenant) if tenant else actor.roles.get("alpha", frozenset())
        return one(HIDDEN) if not names <= held or (_foreign(scope) and "<" in route.path) else one(OK)
    if route.path.startswith("/dashboard/export/"):
        # The site as a whole is its owners'.
        held = actor.everywhere(tenant) if tenant else actor.roles.get("alpha", frozenset())
        if held < PRESETS["owner"].permissions:
            return one(FORBIDDEN)
        return one(HIDDEN) if "<" in route.path else one(OK)
    if route.path.startswith("/dashboard/billing/") and route.method == "POST":
        # What costs the owner money is the owner's to do.
        held = actor.everywhere(tenant) if tenant else actor.roles.get("alpha", frozenset())
        return one(FORBIDDEN) if held < PRESETS["owner"].permissions else one(OK)
    if "<" not in route.path:
        # By a grant on some event one comes to lists of those; what makes something new is for roles.
        return one(OK) if not tenant or names & actor.everywhere(tenant) else one(OK, HIDDEN)
    if _foreign(scope):
        return one(HIDDEN)
    if not names & actor.on(place):
        return one(HIDDEN)
    # Making an owner is refused on the page that asks for it: test_only_an_owner_makes_an_owner_on_the_page.
    # An order's page is for who sees orders; who may change them only has nothing to start from.
    an_order = "/orders/" in route.path and "/product-categories/" not in route.path
    return one(OK) if not an_order or _sees(actor, place) else one(HIDDEN)


def _at_alpha(actor: Actor) -> frozenset[str]:
    return actor.roles.get("alpha", frozenset()) | actor.granted
