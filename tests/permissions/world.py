"""Two tenants with something of everything in them, and one caller of every kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.accounts.tokens import open_session
from shared_apps.operators.models import Impersonation
from shared_apps.people import agreements, footprints
from tenant_apps.activity.models import OutboxMessage
from tenant_apps.consents import texts
from tenant_apps.consents.models import Consent
from tenant_apps.events import standing
from tenant_apps.reports.models import ReportRun, ReportSchedule
from tenant_apps.reviews.models import Review
from tenant_apps.staff.invitations import invite
from tenant_apps.staff.keys import make_key
from tenant_apps.staff.presets import EVENT_PERMISSIONS, PRESETS
from tenant_apps.staff.roles import make_role
from tenant_apps.webhooks.services import create_endpoint, send_test
from tenants import domains
from tenants.context import in_public, in_tenant
from tests.factories import (
    PASSWORD,
    bearer,
    make_event,
    make_order,
    make_paid_order,
    make_ticket_type,
    make_user,
    owner_of,
)

# Ids of beta start here, so that no id of one tenant happens to be one of the other's.
FAR = 1_000_000


@dataclass
class Place:
    """What an address names: an event and what hangs on it, in one tenant. Missing things are None."""

    name: str
    tenant: Any
    event: Any
    public: bool = True
    buyer: Any = None
    order: Any = None
    pending: Any = None
    things: SimpleNamespace = field(default_factory=SimpleNamespace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__.get("things"), name, None)


@dataclass
class Actor:
    """A caller, and all that they hold: by role in each tenant, by grants on events and on categories of goods."""

    name: str
    user: Any = None
    bearer: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    key: str = ""
    suspended: bool = False
    operator: bool = False
    holds_secret: bool = False
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    grants: dict[int, frozenset[str]] = field(default_factory=dict)
    goods: dict[int, frozenset[str]] = field(default_factory=dict)

    def everywhere(self, tenant: Any) -> frozenset[str]:
        return self.roles.get(tenant.slug, frozenset())

    def on(self, place: Place) -> frozenset[str]:
        """What they hold on the place's event, and on the category of its goods."""
        return self.at(place) | (self.goods.get(place.goods.pk, frozenset()) if place.goods else frozenset())

    def at(self, place: Place) -> frozenset[str]:
        """What they hold on the place's event alone."""
        held = self.grants.get(place.event.pk, frozenset()) if place.event else frozenset()
        return self.everywhere(place.tenant) | held

    def anywhere(self, tenant: Any) -> frozenset[str]:
        """What they hold in the tenant or on at least one event or category of it."""
        return self.everywhere(tenant) | (self.granted if tenant.slug == "alpha" else frozenset())

    @property
    def granted(self) -> frozenset[str]:
        """What they were granted on something or other; all grants of this world are in alpha."""
        return frozenset().union(*self.grants.values(), *self.goods.values())

    def works_at(self, tenant: Any) -> bool:
        return tenant.slug in self.members or bool(self.anywhere(tenant))


@dataclass
class World:
    alpha: Any
    beta: Any
    places: dict[str, Place]
    actors: list[Actor]
    buyer: Any


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever the block writes."""
    block = transaction.atomic()
    block._from_testcase = True  # what must be outermost in a request is so here
    block.__enter__()
    try:
        yield
    finally:
        connection.set_schema_to_public()
        transaction.set_rollback(True)
        block.__exit__(None, None, None)


def build() -> World:
    from tenants.models import Tenant

    alpha, beta = Tenant.objects.get(slug="alpha"), Tenant.objects.get(slug="beta")
    _far_ids(beta)
    # The platform's own page of a text: found by alpha's sample, and there is none by beta's.
    agreements.publish(f"terms-{alpha.slug}", "Terms of use", "Be kind.")
    world = build_one(alpha, beta)
    with in_tenant(beta):
        world.places["foreign"] = _place("foreign", beta, make_user())
    return world


def build_one(alpha: Any, beta: Any) -> World:
    """The places of one tenant, and all callers; in its neighbour nothing but a domain."""
    from tenants.models import Tenant

    Tenant.objects.update(limits={"domains": 100})
    for tenant in (alpha, beta):
        domains.claim(tenant, f"hall.{tenant.slug}.example", actor=None)
    buyer, other_buyer, third = make_user("buyer@matrix.test"), make_user("other@matrix.test"), make_user()
    places = {}
    with in_tenant(alpha):
        places["own"] = _place("own", alpha, buyer)
        places["other_buyer"] = _orders("other_buyer", places["own"], other_buyer)
        places["other_event"] = _place("other_event", alpha, third)
        draft = _place("draft", alpha, None, published=False)
        draft.public = False
        places["draft"] = draft
    actors = _actors(alpha, beta, places["own"], buyer, other_buyer)
    return World(alpha, beta, places, actors, buyer)


def _far_ids(tenant: Any) -> None:
    with in_tenant(tenant), connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, sequencename FROM pg_sequences WHERE schemaname = %s AND sequencename !~ 'migrations'",
            [tenant.schema_name],
        )
        for schema, name in cursor.fetchall():
            cursor.execute("SELECT setval(%s::regclass, %s)", [f'"{schema}"."{name}"', FAR])


def _place(name: str, tenant: Any, buyer: Any, *, published: bool = True) -> Place:
    from tenant_apps.events.grants import grant
    from tenant_apps.events.models import Category, Tag, Venue
    from tenant_apps.imports import services as imports
    from tenant_apps.notifications.models import Message, Notification
    from tenant_apps.payments import statements
    from tenant_apps.payments.models import MassRefund, ProviderAccount
    from tenant_apps.staff import services as staff
    from tenant_apps.ticketing import services as ticketing
    from tenant_apps.ticketing.entrances import create_zone
    from tenants import backups

    # A name that no search for an event of alpha finds.
    event = make_event("Nebelhorn" if name == "foreign" else None, published=published)
    kind = make_ticket_type(event, price_minor=1200)
    event_key = ticketing.ensure_key(event)
    entrance = ticketing.create_check_in_list(event, actor=None, name="Main door")
    spare = make_ticket_type(event, price_minor=500, name="Spare")
    place = Place(name, tenant, event)
    place.things.ticket_type, place.things.spare, place.things.list = kind, spare, entrance
    place.things.check_in_zone = create_zone(event, actor=None, name="Hall", capacity=5)
    place.things.event_key = event_key
    place.things.quota, place.things.spare_quota = kind.quotas.get(), spare.quotas.get()
    _add_waiting(place)
    granted = make_user()
    grant(event, granted, "check_in", actor=None)
    place.things.granted = granted
    Category.objects.get_or_create(name=f"Kind {tenant.slug}", slug=f"kind-{tenant.slug}")
    Tag.objects.get_or_create(name=f"Tag {tenant.slug}", slug=f"tag-{tenant.slug}")
    Venue.objects.get_or_create(name=f"Hall {tenant.slug}", slug=f"hall-{tenant.slug}")
    _add_goods(place, published=published)
    _add_promotions(place)
    _add_details(place)
    _add_people(place)
    shared = _shared.setdefault(tenant.slug, SimpleNamespace())
    if name in ("own", "foreign"):
        shared.member = staff.add_member(make_user(), staff.preset_role("door"), actor=None)
        shared.role = staff.preset_role("door")
        content = b"title,starts_at\nGala,2031-01-10T20:00\n"
        shared.job = imports.start(resource="events", file_name="e.csv", content=content, actor=None, dry_run=True)
        listed = b"name,price\nMug,5\n"
        shared.statement = statements.upload("bank.csv", b"Date;Amount;Purpose\n30.05.2026;5,00;rent\n", actor=None)[0]
        shared.price_list = imports.start(
            resource="products", file_name="p.csv", content=listed, actor=None, dry_run=True
        )
        # Switched off: what the matrix orders is paid by hand, and nothing of it leaves the machine.
        shared.account = ProviderAccount.objects.create(provider="stripe", enabled=False, sealed=b"nothing")
        shared.backup = backups.ask(tenant)
        shared.webhook, _secret = create_endpoint(url="https://hooks.example.org/", topics=["*"], actor=None)
        shared.webhook_delivery = send_test(shared.webhook, actor=None)
        _add_series(tenant)
        Venue.objects.get_or_create(name=f"Twin {tenant.slug}", slug=f"twin-{tenant.slug}")
        owner = owner_of(tenant)
        shared.own_role = make_role(name=f"Own {tenant.slug}", permissions=["check_in"], actor=owner)
        shared.invitation = invite("invited@matrix.test", shared.role, actor=owner)
        asked = texts.publish(
            f"terms-{tenant.slug}", title="News by mail", body="We write to you.", required=False, actor=None
        )
        shared.consent = Consent.objects.create(text=asked, order_code="NONE", email="agreed@matrix.test")
        shared.key, _text = make_key(name="Old key", scopes=["check_in"], actor=owner)
    place.things.report_run = ReportRun.objects.create(
        report="sales", format="csv", status="done", events=[event.pk], content=b"day\n"
    )
    place.things.schedule = ReportSchedule.objects.create(
        report="sales", params={"period": "last_month"}, cron="0 8 * * 1", recipients=[tenant.owner_id], zone="UTC"
    )
    place.things.message = Message.objects.create(event=event, subject="News", text="x", channels=[], status="done")
    place.things.mass_refund = MassRefund.objects.create(event=event, status="done")
    vars(place.things).update(vars(shared))
    if buyer is not None:
        _add_orders(place, buyer)
        place.things.notice = Notification.objects.create(user_id=buyer.pk, topic="order.paid", title="Your ticket")
    return place


def _add_details(place: Place) -> None:
    """A point of the programme, a thing to bring and a question that need not be answered."""
    from tenant_apps.events import details
    from tenant_apps.events.models import BringItem, ProgramItem, Question

    place.things.program_item = details.make(ProgramItem, place.event, actor=None, title="Doors")
    place.things.bring_item = details.make(BringItem, place.event, actor=None, name="Clay")
    place.things.question = details.make(Question, place.event, actor=None, text="Which diet?")


def _add_people(place: Place) -> None:
    """Somebody with a public profile that was reported, and somebody whose profile the platform hides."""
    from shared_apps.people.models import Profile, ProfileReport

    place.things.known, place.things.unseen = make_user(name="Known"), make_user(name="Unseen")
    Profile.objects.create(user=place.things.known, is_public=True)
    Profile.objects.create(user=place.things.unseen, is_public=True, hidden_at=timezone.now())
    place.things.profile_report = ProfileReport.objects.create(
        person=place.things.known, reporter=place.things.unseen, reason="spam"
    )


def _add_waiting(place: Place) -> None:
    """A type that is sold out, somebody who waits for a place, and one who is offered places."""
    from tenant_apps.orders.models import WaitingEntry
    from tenant_apps.orders.waiting_offers import offer_now

    place.things.full = make_ticket_type(place.event, capacity=0, name="Full")
    names = {"waiting": "waits@matrix.test", "offered": "offered@matrix.test"}
    for what, email in names.items():
        secret = f"{what}-{place.name}-{place.tenant.slug}".ljust(43, "x")
        entry = WaitingEntry.objects.create(
            ticket_type=place.things.ticket_type, quantity=1, email=email, secret=secret
        )
        setattr(place.things, what, entry)
    if place.event.status == "published":
        offer_now(place.things.offered, actor=None)


def _add_series(tenant: Any) -> None:
    """Two dates that anybody sees."""
    from tenant_apps.ticketing.series import create_series

    first = make_event(slug=f"date-{tenant.slug}")
    create_series(first, actor=None, title=f"Series {tenant.slug}", rule="FREQ=DAILY;COUNT=2", publish=True)


def _add_goods(place: Place, *, published: bool) -> None:
    """A product in a category of its own, with two variants; a category without goods, and a way of delivery."""
    from tenant_apps.catalog import categories, delivery
    from tenant_apps.catalog import services as catalog
    from tenant_apps.catalog.images import add_image
    from tenant_apps.events.media import add_media
    from tests.pictures import picture_file

    called = f"{place.name} {place.tenant.slug}"
    goods = categories.create_category(actor=None, name=f"Goods {called}")
    place.things.goods = goods
    if place.name in ("own", "foreign"):
        # Called like the category of events: one sample of `category` serves bodies about events and about goods.
        categories.create_category(actor=None, name=f"Kind {place.tenant.slug}")
    place.things.empty_category = categories.create_category(actor=None, name=f"Empty {called}")
    place.things.product = catalog.create_product(
        actor=None, name=f"Mug {called}", price_minor=500, category=goods, published=published,
        variants=[{"name": "red", "capacity": 5}, {"name": "blue", "capacity": 5}],
    )  # fmt: skip
    place.things.variant = place.things.product.variants.order_by("pk")[0]
    place.things.goods_granted = make_user()
    categories.grant(goods, place.things.goods_granted, "change_catalog", actor=None)
    place.things.image = add_image(place.product, picture_file(size=(20, 20)), alt="A mug", actor=None)
    place.things.media = add_media(place.event, picture_file(size=(20, 20)), alt="A hall", actor=None)
    place.things.image_file = f"{place.image.stem}-20.webp"
    place.things.media_file = f"{place.media.stem}-20.webp"
    place.things.method = delivery.create_method(actor=None, name=f"Post {called}", kind="post", price_minor=300)


def _add_promotions(place: Place) -> None:
    """A discount that is over, so that no price is another than elsewhere, and a voucher; the tenant's own code."""
    from tenant_apps.promotions import services

    called = f"{place.name}-{place.tenant.slug}"
    place.things.discount = services.create_discount(
        actor=None, name=f"Discount {called}", kind="percent", percent=10, valid_until=timezone.now()
    )
    place.things.voucher = services.create_voucher(actor=None, code=f"V-{called}", kind="percent", percent=10)
    if place.name in ("own", "foreign"):
        services.create_voucher(actor=None, code=f"CODE-{place.tenant.slug}", kind="percent", percent=10)


_shared: dict[str, SimpleNamespace] = {}


def _orders(name: str, place: Place, buyer: Any) -> Place:
    """The same event with another buyer's orders."""
    other = Place(name, place.tenant, place.event, things=SimpleNamespace(**vars(place.things)))
    _add_orders(other, buyer)
    return other


def _add_orders(place: Place, buyer: Any) -> None:
    from tenant_apps.customers.favourites import keep
    from tenant_apps.notifications.models import PushSubscription
    from tenant_apps.orders.addresses import save_address
    from tenant_apps.orders.cart_tokens import token_of
    from tenant_apps.orders.carts import Visitor, add
    from tenant_apps.orders.checkout import Basket, BasketLine
    from tenant_apps.orders.footprints import as_they_are
    from tenant_apps.orders.notes import write_note
    from tenant_apps.payments.box_office import sell
    from tenant_apps.payments.models import Payment
    from tenant_apps.payments.services import intend
    from tenant_apps.ticketing.models import OfflineScan
    from tenant_apps.ticketing.scanning import scan

    place.buyer = buyer
    place.order = make_paid_order(place.ticket_type, user=buyer, email=buyer.email)
    place.pending = make_order(place.ticket_type, user=buyer, email=buyer.email)
    place.things.ticket = place.order.lines.get().ticket
    place.things.favourite, _new = keep(place.event, buyer)
    # What the outbox would have told the public copy, by which a person's own tickets are found.
    left = as_they_are([place.order.pk])[place.order.pk]
    with in_public():
        footprints.keep(place.tenant.pk, place.order.pk, left)
    place.things.paper = place.order.invoices.get()
    place.things.payment = Payment.objects.filter(order=place.order).first() or intend(place.pending, "manual")
    place.things.test_payment = intend(place.pending, "test")
    place.things.session = open_session(buyer).session.pk
    place.things.device = PushSubscription.objects.create(user=buyer, endpoint="https://x.test", digest=place.name)
    with in_public():
        place.things.operator_visit = Impersonation.objects.create(
            tenant=place.tenant,
            operator_id=1,
            person_id=1,
            reason="To look.",
            expires_at=timezone.now() + timedelta(days=1),
        )
    place.things.parked = OutboxMessage.objects.create(
        topic="order.resend", aggregate=f"orders.order:{place.order.pk}", parked_at=timezone.now(), last_error="no"
    )
    link = SocialAccount.objects.create(user=buyer, provider="google", uid=f"{place.name}-1", extra_data={})
    place.things.link = link.pk
    place.things.cart_line = add(Visitor(buyer), [BasketLine(place.ticket_type.pk)]).lines.get()
    place.things.cart_token = token_of(add(Visitor(), [BasketLine(place.ticket_type.pk)]).pk)
    place.things.scan_id = f"scan-{place.name}"
    from tenant_apps.ticketing.codes import code_text

    answer = scan(place.list, code_text(place.ticket), place.scan_id, by=None)
    told = OfflineScan.objects.create(check_in=answer.check_in, conflict="turned_away")
    place.things.conflict = told.pk
    from tenant_apps.orders.passing_on import pass_on

    passed = make_paid_order(place.ticket_type, user=buyer, email=buyer.email).lines.get().ticket
    place.things.given = pass_on(passed, name="Grace", email="given@matrix.test")
    # The last one: what is cancelled as the booking of an event.
    place.things.unused = make_paid_order(place.ticket_type, user=buyer, email=buyer.email)
    place.things.unused_line = place.unused.lines.get()
    lines = [BasketLine(place.ticket_type.pk)]
    place.things.sold = sell(Basket(email="", lines=lines), "cash", actor=owner_of(place.tenant))
    place.things.line = place.order.lines.get()
    place.things.pending_line = place.pending.lines.get()
    place.things.review = Review.objects.create(
        event=place.event, user=buyer, proof="ticket", rating=4, comment="Fine", name="Grace"
    )
    standing.change(place.event.pk, stars=4)
    place.things.bygone = _bygone(place, buyer)
    place.things.note = write_note(place.order, "Called twice.", actor=owner_of(place.tenant))
    place.things.address = save_address(buyer, {"name": "Ada", "city": "Bern", "street": "Hill Road"})


def _bygone(place: Place, buyer: Any) -> Any:
    """An event that is over, at which the buyer was, and of which they have said nothing yet."""
    from tenant_apps.events.models import Event

    kind = make_ticket_type(make_event("Nebelhorn" if place.name == "foreign" else None), price_minor=0)
    make_paid_order(kind, user=buyer, email=buyer.email)
    end = timezone.now() - timedelta(days=3)
    Event.objects.filter(pk=kind.event.pk).update(starts_at=end, ends_at=end, status="finished")
    return kind.event


def _actors(alpha: Any, beta: Any, own: Place, buyer: Any, other_buyer: Any) -> list[Actor]:
    from tenant_apps.catalog import categories
    from tenant_apps.events.grants import grant
    from tenant_apps.staff import services as staff

    found = [
        Actor("anonymous"),
        Actor("guest with the order's secret", holds_secret=True),
        Actor("buyer", buyer),
        Actor("other buyer", other_buyer),
        Actor("stranger", make_user()),
        Actor("unconfirmed", make_user(confirmed=False)),
        Actor("owner", owner_of(alpha), roles={"alpha": PRESETS["owner"].permissions}, members={"alpha"}),
        Actor("neighbour", owner_of(beta), roles={"beta": PRESETS["owner"].permissions}, members={"beta"}),
    ]
    operator = make_user("operator@matrix.test")
    User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    TOTP.activate(operator, generate_totp_secret())
    found.append(Actor("operator", operator, operator=True))
    with in_tenant(alpha):
        for preset in PRESETS:
            if preset == "owner":
                continue
            user = make_user(f"{preset}@matrix.test")
            staff.add_member(user, staff.preset_role(preset), actor=None)
            found.append(Actor(preset, user, roles={"alpha": PRESETS[preset].permissions}, members={"alpha"}))
        for permission in EVENT_PERMISSIONS:
            user = make_user(f"{permission}-on-one@matrix.test")
            grant(own.event, user, permission, actor=None)
            found.append(Actor(f"grant of {permission}", user, grants={own.event.pk: frozenset({permission})}))
        partner = make_user("change_catalog-on-one@matrix.test")
        categories.grant(own.goods, partner, "change_catalog", actor=None)
        held = frozenset({"change_catalog"})
        found.append(Actor("grant of change_catalog on goods", partner, goods={own.goods.pk: held}))
        suspended = make_user("suspended@matrix.test")
        staff.add_member(suspended, staff.preset_role("manager"), actor=None)
        found.append(Actor("suspended", suspended, suspended=True))
        found += _keys(alpha)
    for actor in found:
        if actor.user is not None:
            _sign_in(actor)
    User.objects.filter(pk=suspended.pk).update(is_active=False)
    return found


def _keys(alpha: Any) -> Iterator[Actor]:
    """A program with some of the owner's rights."""
    scopes = ["view_orders", "change_orders"]
    key, text = make_key(name="Matrix", scopes=scopes, events=None, expires_at=None, actor=owner_of(alpha))
    # Its use is noted once a minute; that is no change by the request.
    type(key).objects.filter(pk=key.pk).update(last_used_at=timezone.now() + timedelta(days=1))
    yield Actor("API key", key=text, roles={"alpha": frozenset(scopes)})


def _sign_in(actor: Actor) -> None:
    from types import SimpleNamespace as Browser

    from tests.factories import sign_in

    actor.bearer = bearer(actor.user)
    browser = Browser(cookies={})
    sign_in(browser, actor.user)
    actor.cookies = dict(browser.cookies)


__all__ = ["PASSWORD", "Actor", "Place", "World", "build", "undone"]
