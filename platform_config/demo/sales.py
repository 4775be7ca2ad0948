"""Who bought what in the demo: through checkout and payments, then through the door."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from platform_config.demo.history import History
from shared_apps.accounts.models import User
from shared_apps.core.errors import SoldOut
from tenant_apps.events.models import Event
from tenant_apps.orders import lifecycle
from tenant_apps.orders import services as orders
from tenant_apps.orders.checkout import Attendee, Basket, BasketLine, place_order
from tenant_apps.orders.models import Order
from tenant_apps.payments import services as payments
from tenant_apps.ticketing import codes
from tenant_apps.ticketing.models import CheckInList, Ticket, TicketType
from tenant_apps.ticketing.scanning import scan
from tenants.models import Tenant

HISTORY = timedelta(days=40)
QUANTITIES, QUANTITY_WEIGHTS = (1, 2, 3, 4), (22, 50, 12, 16)
# When people buy: by hour of the day, quiet at night, busiest in the evening.
HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 6, 8, 9, 9, 10, 9, 8, 8, 9, 10, 12, 14, 15, 12, 7, 3)

# How many orders each event gets; what is not named here gets a few. Some are meant to be nearly full.
ORDERS = {
    "aurora-schubert": 26, "aurora-winterreise": 16, "aurora-mahler-open": 10, "aurora-film-music": 17,
    "aurora-haydn-coffee": 9, "aurora-satie": 12, "aurora-four-seasons": 10, "aurora-songs-north": 9,
    "aurora-nils-berg": 19, "aurora-beethoven-9": 8, "aurora-organ-tour": 4,
    "kino-stalker": 10, "kino-silent": 9, "kino-chekhov": 10, "kino-shorts": 9, "kino-lecture-montage": 6,
    "kino-vertov": 9, "kino-premiere": 24, "kino-improv": 5,
    "volga-cheese": 6, "volga-kvass": 4, "volga-tea": 4,
}  # fmt: skip
FEW = 2
# Events that demo buyer comes to, past and coming.
OF_THE_BUYER = ("aurora-schubert", "aurora-four-seasons", "aurora-organ-tour", "kino-silent", "kino-premiere")

NAMES = {
    "en": (
        "Lena Hofer,Paul Steiner,Julia Wagner,David Novak,Sophie Brandt,Felix Huber,Marie Leitner,Jakob Fuchs,"
        "Simon Pichler,Emma Reiter,Tobias Moser,Clara Winkler,Lukas Bauer,Ida Lang,Moritz Haas,Amelie Koch,Oskar Wolf,"
        "Hannah Graf,Elias Schmid,Vera Horak,Anton Riedl,Greta Sommer,Theo Binder,Ella Kern,Ben Auer,Mila Strasser"
    ).split(","),
    "ru": (
        "Анна Смирнова,Иван Петров,Мария Соколова,Дмитрий Козлов,Елена Новикова,Сергей Морозов,Ольга Волкова,"
        "Алексей Лебедев,Наталья Егорова,Павел Никитин,Татьяна Орлова,Андрей Макаров,Ирина Захарова,Михаил Зайцев,"
        "Юлия Павлова,Николай Степанов,Екатерина Фролова,Артём Белов,Дарья Комарова,Роман Киселёв,Ксения Ильина"
    ).split(","),
}


class Seller:
    """Sells one tenant's demo events, pays most of it, cancels some, and scans who came."""

    def __init__(self, tenant: Tenant, people: dict[str, User], history: History, chance: Random, now: datetime):
        self.tenant, self.people, self.history, self.chance, self.now = tenant, people, history, chance, now
        self.buyer = people["buyer@demo.test"]
        # Orders whose mails are really sent, so that the mailbox shows what buyers get.
        self.announced: set[UUID] = set()

    def sell_everything(self) -> None:
        for event in Event.objects.filter(status=Event.Status.PUBLISHED).order_by("starts_at", "pk"):
            self._sell(event)
            if event.starts_at < self.now:
                self._scan(event)

    def _sell(self, event: Event) -> None:
        types = list(event.ticket_types.order_by("position", "pk"))
        if event.external_id in OF_THE_BUYER:
            self._sell_to_the_buyer(event, types[0])
        for _ in range(ORDERS.get(event.external_id or "", FEW)):
            ticket_type = self.chance.choices(types, weights=range(len(types) + 1, 1, -1))[0]
            name = self.chance.choice(NAMES[self.tenant.language])
            basket = Basket(
                email=f"buyer{self.chance.randrange(1000, 9999)}@example.test",
                name=name,
                lines=[BasketLine(ticket_type.pk, self.chance.choices(QUANTITIES, QUANTITY_WEIGHTS)[0])],
                language=self.tenant.language,
            )
            at = self._moment_before(event)
            try:
                order = place_order(basket, now=at)
            except SoldOut:
                continue
            self._go_on(order, at)

    def _sell_to_the_buyer(self, event: Event, ticket_type: TicketType) -> None:
        at = self._moment_before(event)
        attendees = [Attendee(self.buyer.name, self.buyer.email), Attendee("Charlie Companion")]
        basket = Basket(
            email=self.buyer.email,
            name=self.buyer.name,
            lines=[BasketLine(ticket_type.pk, 2, attendees)],
            language="en",
        )
        order = self._pay(place_order(basket, user=self.buyer, now=at))
        self.history.add(order, placed=at, settled_after=timedelta(minutes=2))
        if event.starts_at > self.now:
            self.announced.add(order.pk)

    def _moment_before(self, event: Event) -> datetime:
        """A moment of the last 40 days before the event and before now, sooner rather than later."""
        latest = min(self.now - timedelta(minutes=20), event.starts_at - timedelta(hours=1))
        earliest = max(self.now - HISTORY, event.starts_at - timedelta(days=90))
        if earliest >= latest:
            return latest
        days = max((latest - earliest).days, 0)
        day = earliest + timedelta(days=int(days * self.chance.random() ** 0.7))
        hour = self.chance.choices(range(24), HOURS)[0]
        at = day.replace(hour=hour, minute=self.chance.randrange(60), second=self.chance.randrange(60), microsecond=0)
        return min(max(at, earliest), latest)

    def _go_on(self, order: Order, at: datetime) -> None:
        """Most people pay, some let it lapse, a few change their mind."""
        fate = self.chance.random()
        took = timedelta(minutes=self.chance.randrange(1, 13), seconds=self.chance.randrange(60))
        if order.status == Order.Status.PENDING:
            if fate < 0.06:
                if fate < 0.03:
                    payments.start(order, "test", test_outcome="decline")
                order = lifecycle.advance(order, Order.Status.EXPIRED)
                took = timedelta(minutes=16)
            else:
                order = self._pay(order, by_hand=fate > 0.85)
        if order.status == Order.Status.PAID and 0.06 <= fate < 0.09 and order.total_minor == 0:
            order = orders.cancel(order, by_staff=True, reason="the buyer asked")
        self.history.add(order, placed=at, settled_after=took)

    def _pay(self, order: Order, *, by_hand: bool = False) -> Order:
        if order.status == Order.Status.PENDING and by_hand:
            return payments.mark_paid(order, actor=self._staff("boxoffice"))
        if order.status == Order.Status.PENDING:
            payment, _ = payments.start(order, "test", test_outcome="succeed")
            return payment.order
        return order

    def _scan(self, event: Event) -> None:
        """Let most holders in, from an hour before the start; a few come twice with one ticket and are refused."""
        entrance = CheckInList.objects.filter(event=event).first()
        tickets = list(Ticket.objects.filter(event=event, status=Ticket.Status.ACTIVE).order_by("created_at", "pk"))
        if entrance is None or not tickets:
            return
        door = self._staff("door")
        texts = codes.code_texts(tickets)
        for number, ticket in enumerate(tickets):
            if self.chance.random() < 0.12:
                continue
            at = event.starts_at - timedelta(minutes=55) + timedelta(seconds=self.chance.randrange(3900))
            scan(entrance, texts[ticket.pk], f"demo-{number}", by=door, scanned_at=min(at, self.now))
            if self.chance.random() < 0.02:
                again = min(at + timedelta(minutes=3), self.now)
                scan(entrance, texts[ticket.pk], f"demo-{number}-again", by=door, scanned_at=again)

    def _staff(self, who: str) -> User:
        return self.people.get(f"{who}@{self.tenant.slug}.test") or self.people[f"owner@{self.tenant.slug}.test"]
