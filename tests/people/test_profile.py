"""A person's picture, language, zone and wishes, by page and by API."""

import io

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shared_apps.people.models import Avatar, NotificationPreference
from tenant_apps.notifications.topics import EMAIL, all_topics, topic
from tenants.context import in_tenant
from tests.factories import PASSWORD, make_order, make_ticket_type, make_user, owner_of


@pytest.fixture
def ada(db):
    return make_user("ada@example.test", name="Ada")


def picture(kind="PNG", size=(300, 500)):
    sink = io.BytesIO()
    Image.new("RGB", size, "green").save(sink, kind)
    return SimpleUploadedFile("holiday photo.png", sink.getvalue(), content_type="text/html")


def files():
    return default_storage.listdir("avatars")[1]


@pytest.mark.parametrize("on_a_tenants_host", [False, True])
def test_a_picture_is_uploaded_shown_replaced_and_removed(alpha, ada, client_for, on_a_tenants_host):
    client = client_for(alpha if on_a_tenants_host else None, ada)
    assert client.get("/api/v1/me/").json()["avatar"] is None
    address = client.put("/api/v1/me/avatar/", {"image": picture()}, format="multipart").json()["avatar"]
    assert client.get("/api/v1/auth/user/").json()["avatar"] == address and "holiday" not in address
    shown = client_for(alpha).get(address)
    assert shown.status_code == 200 and shown["Content-Type"] == "image/webp"
    assert shown["X-Content-Type-Options"] == "nosniff" and shown["Content-Disposition"].startswith("attachment")
    assert Image.open(io.BytesIO(shown.content)).size == (256, 256)
    second = client.put("/api/v1/me/avatar/", {"image": picture("JPEG")}, format="multipart").json()["avatar"]
    assert second != address and len(files()) == 1
    assert client_for(alpha).get(address).status_code == 404
    assert client.delete("/api/v1/me/avatar/").status_code == 204
    assert files() == [] and client.get("/api/v1/me/").json()["avatar"] is None


def test_what_is_no_picture_is_refused(ada, client_for):
    client = client_for(None, ada)
    for body in ({"image": SimpleUploadedFile("x.png", b"<svg/>")}, {}, {"image": "text"}):
        answer = client.put("/api/v1/me/avatar/", body, format="multipart")
        assert answer.status_code == 400, answer.content
    large = SimpleUploadedFile("x.png", b"x" * (5 * 1024 * 1024 + 1))
    assert client.put("/api/v1/me/avatar/", {"image": large}, format="multipart").status_code == 413
    assert client.put("/api/v1/me/avatar/", {"image": "x"}).status_code == 415
    assert client_for().put("/api/v1/me/avatar/", {"image": picture()}, format="multipart").status_code == 401


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "x.webp", "%00.webp", "..", "a" * 300])
def test_no_name_leads_out_of_the_folder(db, client_for, name):
    assert client_for().get(f"/account/avatars/{name}").status_code in (400, 404)


def test_the_page_takes_a_picture_too(ada, page_for):
    page = page_for(None, ada)
    assert page.post("/account/picture/", {"image": SimpleUploadedFile("x.png", b"nothing")}).status_code == 400
    answer = page.post("/account/picture/", {"image": picture()}, follow=True)
    assert Avatar.objects.get(user=ada).file in answer.content.decode()
    page.post("/account/picture/", {"remove": "1"})
    assert not Avatar.objects.exists()


def test_me_is_changed_by_either_address_and_never_beyond_what_is_ones_own(ada, client_for):
    client = client_for(None, ada)
    for path in ("/api/v1/me/", "/api/v1/auth/user/"):
        body = {"name": "Ada K.", "language": "ru", "timezone": "Asia/Tokyo", "email": "x@example.test", "avatar": "/x",
                "id": 5,
                "is_staff": True}  # fmt: skip
        shown = client.patch(path, body).json()
        assert (shown["name"], shown["language"], shown["timezone"]) == ("Ada K.", "ru", "Asia/Tokyo")
        assert shown["email"] == ada.email and shown["avatar"] is None
        assert client.patch(path, {"timezone": "Mars/Olympus"}).status_code == 400
        assert client.patch(path, {"language": "xx"}).status_code == 400
    ada.refresh_from_db()
    assert not ada.is_staff


def _by_mail(**also):
    return frozenset(
        each.name
        for each in all_topics()
        if EMAIL in each.channels
        and not each.wish
        and not each.hidden
        and not each.staff
        and all(getattr(each, name) == value for name, value in also.items())
    )


def test_what_people_may_switch_off_is_what_they_are_told_of():
    orders = ("paid", "placed", "cancelled", "refunded", "packed", "shipped", "delivered", "returned")
    assert {f"order.{each}" for each in orders} | {"event.changed", "waiting.offered"} <= _by_mail()
    assert {"order.paid", "event.cancelled", "event.postponed"} <= _by_mail(fixed=True)


def wishes_of(client):
    return {
        wish["topic"]: wish["enabled"]
        for wish in client.get("/api/v1/notification-preferences/").json()["preferences"]
        if wish["channel"] == EMAIL and not topic(wish["topic"]).staff
    }


def test_messages_are_switched_off_for_all_tenants_and_only_those_that_can_be(
    alpha, beta, ada, client_for, deliver, mailoutbox
):
    client = client_for(alpha, ada)
    # Word of each sale is for who asks for it.
    assert wishes_of(client) == {topic: topic != "staff.new_order" for topic in _by_mail()}
    off = {"preferences": [{"topic": "order.placed", "channel": "email", "enabled": False}]}
    assert client.patch("/api/v1/notification-preferences/", off).status_code == 200
    assert wishes_of(client_for(beta, ada))["order.placed"] is False
    with in_tenant(beta):
        ticket_type = make_ticket_type()
        order = make_order(ticket_type, email=ada.email, user=ada)
        make_order(ticket_type, email="guest@example.test")
    deliver(beta)
    assert [mail.to for mail in mailoutbox] == [["guest@example.test"]]
    with in_tenant(beta):
        from tenant_apps.payments.services import mark_paid

        mark_paid(order)
    deliver(beta)
    assert mailoutbox[-1].to == [ada.email], "tickets always come"
    tickets = {"preferences": [{"topic": "order.paid", "channel": "email", "enabled": False}]}
    assert client.patch("/api/v1/notification-preferences/", tickets).json()["errors"][0]["code"] == "always_sent"
    unknown = {"preferences": [{"topic": "nothing", "channel": "email", "enabled": False}]}
    assert client.patch("/api/v1/notification-preferences/", unknown).status_code == 400
    assert NotificationPreference.objects.count() == 1


def test_what_staff_send_again_by_hand_comes_in_any_case(alpha, ada, client_for, deliver, mailoutbox):
    off = {"preferences": [{"topic": "order.placed", "channel": "email", "enabled": False}]}
    client_for(alpha, ada).patch("/api/v1/notification-preferences/", off)
    with in_tenant(alpha):
        from tenant_apps.orders.services import resend

        resend(make_order(make_ticket_type(), email=ada.email, user=ada), actor=owner_of(alpha))
    deliver(alpha)
    assert len(mailoutbox) == 1


def test_the_page_of_messages_shows_and_keeps_them(ada, page_for, client_for):
    page = page_for(None, ada)
    shown = page.get("/account/notifications/").content.decode()
    assert {name for name in _by_mail() if f'name="{name}-email"' in shown} == _by_mail()
    page.post("/account/notifications/", {"order.cancelled-email": "on"})
    kept = {"order.cancelled"} | _by_mail(fixed=True)
    assert wishes_of(client_for(None, ada)) == {topic: topic in kept for topic in _by_mail()}


def test_the_page_of_data_tells_how_far_it_is_after_a_reload_too(alpha, ada, page_for):
    from shared_apps.people import requests
    from shared_apps.people.models import DataRequest

    page = page_for(alpha, ada)
    assert page.post("/account/data/export/").status_code == 302
    for _reload in range(2):
        assert "0 of 3 places" in page.get("/account/data/").content.decode()
    partial = page.get("/account/data/", HTTP_HX_TARGET="exports").content.decode()
    assert "<html" not in partial and 'hx-trigger="every 2s"' in partial
    requests.work(DataRequest.objects.get().pk)
    ready = page.get("/account/data/").content.decode()
    address = f"/account/data/exports/{DataRequest.objects.get().pk}/"
    assert address in ready and "every 2s" not in ready
    assert page.get(address)["Content-Type"] == "application/zip"
    assert page_for(alpha, make_user()).get(address).status_code == 404


def test_an_account_is_ended_on_the_page_and_its_end_can_be_followed(alpha, beta, ada, page_for):
    from shared_apps.people import requests
    from shared_apps.people.models import DataRequest

    page = page_for(alpha, ada)
    assert page.post("/account/data/erase/", {"password": PASSWORD}).status_code == 400, "not sure"
    wrong = page.post("/account/data/erase/", {"password": "nonsense-nonsense", "sure": "on"})
    assert wrong.status_code == 400 and "The present password is wrong." in wrong.content.decode()
    followed = page.post("/account/data/erase/", {"password": PASSWORD, "sure": "on"}, follow=True)
    assert followed.status_code == 200 and "0 of 3 places done" in followed.content.decode()
    assert page.get("/account/").status_code == 302
    requests.work(DataRequest.objects.get().pk)
    address = followed.redirect_chain[-1][0]
    assert "Nothing names you any more" in page_for(beta).get(address).content.decode()
    assert page_for(beta).get("/account/erasure/guessed/").status_code == 404


def test_my_tickets_stand_on_one_page(alpha, beta, ada, page_for, deliver):
    from tests.factories import make_event, make_paid_order

    with in_tenant(alpha):
        order = make_paid_order(make_ticket_type(make_event("Night of Strings")), quantity=2, email=ada.email, user=ada)
    with in_tenant(beta):
        make_order(make_ticket_type(make_event("Open Day")), email=ada.email)
    deliver(alpha, beta)
    html = page_for(None, ada).get("/account/tickets/").content.decode()
    assert "Night of Strings" in html and "Open Day" in html and "2 places" in html
    assert f"http://alpha.localhost/orders/{order.code}/{order.secret}/" in html
    assert "Nothing here yet" in page_for(None, make_user()).get("/account/tickets/").content.decode()
