"""Messages to ticket holders: who gets them, what they read, at most once, stopped when somebody says so."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from tenant_apps.activity.delivery import deliver_due
from tenant_apps.activity.models import AuditEntry, OutboxMessage
from tenant_apps.notifications import message_tasks, messages, segments
from tenant_apps.notifications.models import Message, MessagePerson
from tenant_apps.staff import services as staff
from tenant_apps.staff.roles import make_role
from tenant_apps.ticketing import services as ticketing
from tenant_apps.ticketing.codes import code_text
from tenant_apps.ticketing.scanning import scan
from tenants.context import in_tenant
from tests.factories import make_event, make_order, make_paid_order, make_ticket_type, make_user, owner_of

ALL = segments.Segment()


@pytest.fixture
def gala(alpha):
    """An event with two ticket types; three people hold tickets, one of them two."""
    with in_tenant(alpha):
        event = make_event("Gala")
        seats, stands = make_ticket_type(event, name="Seats"), make_ticket_type(event, name="Stands")
        make_paid_order(seats, quantity=2, email="ada@example.test")
        make_paid_order(stands, email="ADA@example.test")
        make_paid_order(stands, email="bob@example.test")
        make_paid_order(seats, email="cy@example.test")
        make_order(seats, email="dan@example.test")
        make_paid_order(make_ticket_type(make_event("Other")), email="eve@example.test")
        OutboxMessage.objects.all().delete()
    mail.outbox.clear()
    return event


def begin(event, segment=ALL, subject="News", text="Hello {name}", **options):
    return messages.start(event, segment, subject=subject, text=text, **options)


def carry_out(tenant):
    """What worker and outbox do until nothing is left."""
    with in_tenant(tenant):
        for found in Message.objects.filter(status="running"):
            message_tasks.send_message(str(found.pk))
        while deliver_due():
            pass


def addresses():
    return sorted(to.rpartition("<")[2].rstrip(">").lower() for one in mail.outbox for to in one.to)


def test_each_holder_gets_it_once_however_many_tickets_they_hold(alpha, gala):
    with in_tenant(alpha):
        message = begin(gala)
        assert message.total == 3
    carry_out(alpha)
    assert addresses() == ["ada@example.test", "bob@example.test", "cy@example.test"]
    with in_tenant(alpha):
        message.refresh_from_db()
        assert message.status == "done"
        assert messages.progress(message) == messages.Progress(0, 0, 0, 3, 0, 3)
        messages.work(message)
        message_tasks.resume()
    carry_out(alpha)
    assert len(mail.outbox) == 3


def test_the_segment_says_who(alpha, gala):
    with in_tenant(alpha):
        stands = gala.ticket_types.get(name="Stands")
        door = ticketing.create_check_in_list(gala, actor=None, name="Door")
        bob = gala.tickets.get(order_line__order__email="bob@example.test")
        scan(door, code_text(bob), "s1", by=None)

        def who(**given):
            segment = segments.checked(gala, given)
            if segment.order_status == "paid":
                return sorted(ticket.address for ticket in segments.tickets(gala, segment))
            return sorted(order.address for order in segments.orders(gala, segment))

        assert who() == ["ada@example.test", "bob@example.test", "cy@example.test"]
        assert who(ticket_types=[stands.pk]) == ["ada@example.test", "bob@example.test"]
        assert who(attendance="checked_in") == ["bob@example.test"]
        assert who(attendance="checked_in", check_in_list=door.pk) == ["bob@example.test"]
        assert who(attendance="not_checked_in") == ["ada@example.test", "cy@example.test"]
        assert who(order_status="pending") == ["dan@example.test"]
        assert who(order_status="cancelled") == []


def test_what_belongs_to_another_event_or_tenant_does_not_exist(alpha, beta, gala, client_for):
    with in_tenant(alpha):
        other = make_ticket_type(make_event("Elsewhere"))
        door = ticketing.create_check_in_list(other.event, actor=None, name="Door")
    with in_tenant(beta):
        theirs = make_event("Theirs", slug="theirs")
    client = client_for(alpha, owner_of(alpha))

    def refused(**segment):
        answer = client.post("/api/v1/notifications/", {"message": "x", "segment": segment}, format="json")
        assert answer.status_code == 400, answer.json()
        return {(error["field"], error["code"]) for error in answer.json()["errors"]}

    assert refused(event=theirs.slug) == {("segment.event", "does_not_exist")}
    assert refused(event=gala.slug, ticket_types=[other.pk]) == {("segment.ticket_types", "does_not_exist")}
    wrong = refused(event=gala.slug, attendance="checked_in", check_in_list=door.pk)
    assert wrong == {("segment.check_in_list", "does_not_exist")}
    assert refused(event=gala.slug, order_status="pending", attendance="checked_in") == {
        ("segment.attendance", "invalid")
    }


def test_every_reader_reads_their_own_words_and_code_stays_text(alpha, gala):
    with in_tenant(alpha):
        gala.tickets.filter(order_line__order__email="bob@example.test").update(holder_name="Bob {site} <b>")
        text = "{greeting} {event} {{ 7*7 }} {% now 'Y' %}\n{url}"
        begin(gala, subject="About {event}", text=text)
    carry_out(alpha)
    (bob,) = [one for one in mail.outbox if "bob@" in one.to[0]]
    assert bob.subject == "About Gala"
    assert "Hello Bob {site} <b>, Gala {{ 7*7 }} {% now 'Y' %}" in bob.body
    assert "http://alpha.localhost/orders/" in bob.body
    html = bob.alternatives[0][0]
    assert "<b>" not in html.split("Hello Bob")[1][:20]


def test_unknown_placeholders_are_refused_by_name_and_place(alpha, gala, client_for):
    body = {"message": "Hi {password}\n{name.__class__}", "subject": "x", "segment": {"event": gala.slug}}
    answer = client_for(alpha, owner_of(alpha)).post("/api/v1/notifications/", body, format="json")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("message", "unknown_placeholder")
    assert "password" in error["message"]


def test_through_the_api_with_a_key_twice_is_once_and_progress_can_be_read(alpha, gala, client_for):
    client = client_for(alpha, owner_of(alpha))
    body = {"message": "Doors at seven", "subject": "News", "segment": {"event": gala.slug}, "channels": ["email"]}
    look = client.post("/api/v1/notifications/messages/preview/", {**body, "message": "{greeting} x"}, format="json")
    assert look.status_code == 200
    assert (look.json()["people"], look.json()["reader"]) == (3, "ada@example.test")
    first = client.post("/api/v1/notifications/", body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert first.status_code == 202
    again = client.post("/api/v1/notifications/", body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert again.json()["id"] == first.json()["id"]
    other = client.post("/api/v1/notifications/", body, format="json", HTTP_IDEMPOTENCY_KEY="k2")
    assert (other.status_code, other.json()["code"]) == (409, "message_running")
    address = f"/api/v1/notifications/messages/{first.json()['id']}/"
    assert first["Location"] == address
    assert client.get(address).json()["progress"]["waiting"] == 3
    carry_out(alpha)
    done = client.get(address).json()
    assert (done["status"], done["progress"]["sent"], done["progress"]["total"]) == ("done", 3, 3)
    assert [each["id"] for each in client.get("/api/v1/notifications/messages/").json()["results"]] == [done["id"]]
    repeated = client.post("/api/v1/notifications/", body, format="json", HTTP_IDEMPOTENCY_KEY="k3")
    assert (repeated.status_code, repeated.json()["code"]) == (409, "message_repeated")
    with in_tenant(alpha):
        entry = AuditEntry.objects.get(topic="message.started")
        assert entry.details["after"]["people"] == 3
        assert entry.actor_id == alpha.owner_id


def test_stopping_drops_what_waits_and_what_is_on_its_way(alpha, gala, client_for, monkeypatch):
    monkeypatch.setattr(messages, "BATCH", 1)
    client = client_for(alpha, owner_of(alpha))
    with in_tenant(alpha):
        message = begin(gala)
        assert messages._hand_over(message.pk)
        assert messages._hand_over(message.pk)
        OutboxMessage.objects.exclude(topic="notify.event.message").delete()
        assert deliver_due(limit=1) == 1
    answer = client.post(f"/api/v1/notifications/messages/{message.pk}/stop/")
    assert answer.json()["status"] == "stopped"
    assert client.post(f"/api/v1/notifications/messages/{message.pk}/stop/").status_code == 200
    carry_out(alpha)
    assert len(mail.outbox) == 1
    progress = client.get(f"/api/v1/notifications/messages/{message.pk}/").json()["progress"]
    assert (progress["waiting"], progress["left_out"]) == (0, 1)


def test_a_worker_that_dies_is_followed_by_one_that_repeats_nothing(alpha, gala, monkeypatch):
    monkeypatch.setattr(messages, "BATCH", 1)

    class Killed(BaseException):
        pass

    def die(name):
        if name == "message.batch":
            raise Killed

    with in_tenant(alpha):
        message = begin(gala)
        with monkeypatch.context() as patched:
            patched.setattr(messages, "point", die)
            with pytest.raises(Killed):
                messages.work(message)
        Message.objects.update(modified_at=timezone.now() - timedelta(minutes=2))
        assert messages.unfinished() == [message]
        # The killed one's batch stands; another that is cut off before its commit leaves nothing.
        with monkeypatch.context() as patched:
            patched.setattr(messages, "notify_many", lambda *a, **k: (_ for _ in ()).throw(Killed()))
            with pytest.raises(Killed):
                messages._hand_over(message.pk)
        assert MessagePerson.objects.filter(status="waiting").count() == 2
    carry_out(alpha)
    assert len(mail.outbox) == 3


def test_whoever_lost_their_ticket_meanwhile_is_left_out(alpha, gala):
    with in_tenant(alpha):
        message = begin(gala)
        gala.tickets.filter(order_line__order__email="bob@example.test").update(status="cancelled")
    carry_out(alpha)
    assert addresses() == ["ada@example.test", "cy@example.test"]
    with in_tenant(alpha):
        assert messages.progress(message).left_out == 1


def test_nobody_there_starts_nothing(alpha, client_for):
    with in_tenant(alpha):
        empty = make_event("Empty")
    body = {"message": "x", "segment": {"event": empty.slug}}
    answer = client_for(alpha, owner_of(alpha)).post("/api/v1/notifications/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "nobody_there")
    with in_tenant(alpha):
        assert not Message.objects.exists()


def test_a_day_has_its_bounds(alpha, gala, settings):
    settings.MESSAGES_A_DAY = 1
    with in_tenant(alpha):
        begin(gala)
        Message.objects.update(status="done")
        with pytest.raises(messages.TooManyMessages):
            begin(gala, subject="Another")
        settings.MESSAGES_A_DAY, settings.MESSAGE_PEOPLE_A_DAY = 5, 5
        with pytest.raises(messages.TooManyMessages):
            begin(gala, subject="Another")
        assert Message.objects.count() == 1
        Message.objects.update(created_at=timezone.now() - timedelta(days=2))
        begin(gala, subject="Another")


def test_two_who_press_send_at_once_begin_one_message(transactional_db, alpha, gala):
    outcomes = []
    start = threading.Barrier(4)

    def press():
        try:
            with in_tenant(alpha):
                start.wait()
                begin(gala)
                outcomes.append("begun")
        except messages.Conflict as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["begun"] + ["message_running"] * 3
    outcomes.clear()

    def work():
        try:
            with in_tenant(alpha):
                messages.work(Message.objects.get())
                while deliver_due():
                    pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert addresses() == ["ada@example.test", "bob@example.test", "cy@example.test"]


def test_one_person_is_written_to_if_they_are_known_here(alpha, beta, gala, client_for):
    buyer, stranger = make_user("ada@example.test", name="Ada"), make_user()
    with in_tenant(beta):
        make_paid_order(user=stranger, email=stranger.email)
    client = client_for(alpha, owner_of(alpha))
    sent = client.post("/api/v1/notifications/", {"user": buyer.pk, "message": "Hi {name}"}, format="json")
    assert (sent.status_code, sent.json()["user"], sent.json()["progress"]["total"]) == (202, buyer.pk, 1)
    carry_out(alpha)
    (got,) = mail.outbox
    assert "Hi Ada" in got.body
    assert got.subject == "News from Alpha"
    for unknown in (stranger.pk, 10**12):
        answer = client.post("/api/v1/notifications/", {"user": unknown, "message": "x"}, format="json")
        assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [("user", "does_not_exist")]
    older = {"user_id": buyer.pk, "message": "Again", "type": "email"}
    assert client.post("/api/v1/notifications/", older, format="json").json()["channels"] == ["email"]
    kind = client.post("/api/notifications/", {**older, "type": "info"}, format="json")
    assert kind.status_code == 202
    assert kind.json()["channels"] == ["email", "feed", "push"]
    both = {"user": buyer.pk, "segment": {"event": gala.slug}, "message": "x"}
    for body in (both, {"message": "x"}):
        assert client.post("/api/v1/notifications/", body, format="json").json()["code"] == "recipient_required"
    with in_tenant(alpha):
        assert AuditEntry.objects.filter(topic="message.to_person").count() == 3


def test_nobody_is_written_to_without_end(alpha, gala, client_for, monkeypatch):
    monkeypatch.setattr(messages, "DIRECT_TO_ONE", 2)
    buyer = make_user("ada@example.test")
    client = client_for(alpha, owner_of(alpha))
    codes = [
        client.post("/api/v1/notifications/", {"user": buyer.pk, "message": f"{number}"}, format="json").status_code
        for number in range(3)
    ]
    assert codes == [202, 202, 429]


def test_only_who_may_send_sends_and_names_are_for_who_may_see_orders(alpha, beta, gala, client_for, page_for):
    with in_tenant(alpha):
        writer, looker = make_user(), make_user()
        staff.add_member(
            writer, make_role(name="Writer", permissions=["send_notifications"], actor=owner_of(alpha)), actor=None
        )
        staff.add_member(looker, staff.preset_role("event_manager"), actor=None)
    body = {"message": "{name} x", "subject": "s", "segment": {"event": gala.slug}}
    for user in (looker, make_user("bob@example.test"), owner_of(beta)):
        assert client_for(alpha, user).post("/api/v1/notifications/", body, format="json").status_code == 403
    assert client_for(alpha).post("/api/v1/notifications/", body, format="json").status_code == 401
    seen = client_for(alpha, writer).post("/api/v1/notifications/messages/preview/", body, format="json").json()
    assert (seen["reader"], seen["people"]) == ("", 3)
    assert "ada" not in str(seen)
    assert page_for(alpha, looker).get(f"/dashboard/events/{gala.slug}/messages/").status_code == 403
    page = page_for(alpha, writer).post(
        f"/dashboard/events/{gala.slug}/messages/",
        {"order_status": "paid", "subject": "s", "message": "{name}", "channels": ["email"], "key": "x"},
    )
    assert page.status_code == 200
    assert "ada@example.test" not in page.content.decode()


def test_the_pages_write_look_send_follow_and_stop_without_script(alpha, gala, page_for):
    page = page_for(alpha, owner_of(alpha))
    address = f"/dashboard/events/{gala.slug}/messages/"
    form = page.get(address)
    key = form.context["form"]["key"].value()
    told = {"key": key, "order_status": "paid", "subject": "News", "message": "Hello {name}", "channels": ["email"]}
    look = page.post(address, {**told, "preview": "1"})
    shown = look.content.decode()
    assert "3 people get it" in shown
    assert "ada@example.test" in shown
    wrong = page.post(address, {**told, "message": "{secret}", "preview": "1"})
    assert wrong.status_code == 400
    assert "{secret}" in wrong.content.decode()
    sent = page.post(address, {**told, "send": "1"})
    assert sent.status_code == 302
    assert page.post(address, {**told, "send": "1"})["Location"] == sent["Location"]
    with in_tenant(alpha):
        assert Message.objects.count() == 1
    going = page.get(sent["Location"]).content.decode()
    assert "The message is being sent" in going
    assert 'hx-trigger="every 2s"' in going
    assert "<noscript>" in going
    carry_out(alpha)
    assert "Everybody has it" in page.get(sent["Location"]).content.decode()
    other = page.post(address, {**told, "key": "other", "subject": "More", "send": "1"})
    assert page.post(f"{other['Location']}stop/").status_code == 302
    assert "Stopped" in page.get(other["Location"]).content.decode()
    carry_out(alpha)
    assert len(mail.outbox) == 3


def test_another_event_s_message_is_not_at_this_address(alpha, gala, page_for):
    with in_tenant(alpha):
        message = begin(gala)
        other = make_event("Other one")
    page = page_for(alpha, owner_of(alpha))
    assert page.get(f"/dashboard/events/{other.slug}/messages/{message.pk}/").status_code == 404
    assert page.post(f"/dashboard/events/{other.slug}/messages/{message.pk}/stop/").status_code == 404
    with in_tenant(alpha):
        message.refresh_from_db()
        assert message.status == "running"
