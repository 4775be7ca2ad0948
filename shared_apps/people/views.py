"""The pages of a person about themselves: picture, messages, their data. Each works without JavaScript."""

import uuid
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from shared_apps.accounts.cookies import clear_cookies
from shared_apps.accounts.middleware import cookie_session
from shared_apps.accounts.models import User
from shared_apps.core.access import anyone, signed_in
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from shared_apps.people import avatars, phones, requests, wishes
from shared_apps.people.forms import EraseForm, PhoneForm, PictureForm, WishesForm
from shared_apps.people.models import DataRequest
from tenants.context import in_public


def _person(request: HttpRequest) -> User:
    """The signed-in person, as a row of one's own to change."""
    return User.objects.get(pk=cast(int, request.user.pk))


@anyone
@require_safe
def avatar(request: HttpRequest, file: str) -> HttpResponse:
    """A picture, by the name that we gave it; never shown as a page of ours (B6)."""
    content = avatars.content_of(file)
    if content is None:
        raise Http404
    return HttpResponse(
        content,
        content_type="image/webp",
        headers={
            "Content-Disposition": 'attachment; filename="picture.webp"',
            "Cache-Control": "private, max-age=604800, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        },
    )


@signed_in
@never_cache
def picture(request: HttpRequest) -> HttpResponse:
    """Upload a picture, or take it away."""
    user = _person(request)
    form, status = PictureForm(), 200
    if request.method == "POST" and "remove" in request.POST:
        avatars.remove_avatar(user.pk)
        messages.success(request, _("Your picture is removed."))
        return redirect("people:picture")
    if request.method == "POST":
        form, status = PictureForm(request.POST, request.FILES), 400
        if form.is_valid():
            try:
                avatars.set_avatar(user, form.cleaned_data["image"])
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("people:picture")
    context = {"form": form, "address": avatars.address_of(user), "tab": "picture"}
    return render(request, "account/picture.html", context, status=status)


@signed_in
@never_cache
def notifications(request: HttpRequest) -> HttpResponse:
    """Which messages to get."""
    user = _person(request)
    form = WishesForm(request.POST or None, wishes=wishes.wishes_of(user))
    if request.method == "POST":
        form = WishesForm(request.POST, wishes=wishes.wishes_of(user))
        if form.is_valid():
            wishes.change_wishes(user, form.chosen())
            messages.success(request, _("Saved."))
            return redirect("people:notifications")
    return render(request, "account/notifications.html", {"form": form, "tab": "notifications"})


@signed_in
@never_cache
def phone(request: HttpRequest) -> HttpResponse:
    """Where to send text messages, or nowhere."""
    user = _person(request)
    known = phones.number_of(user.pk)
    form, status = PhoneForm(initial={"phone": known}), 200
    if request.method == "POST" and "remove" in request.POST:
        phones.remove_number(user)
        messages.success(request, _("Your number is removed."))
        return redirect("people:phone")
    if request.method == "POST":
        form, status = PhoneForm(request.POST), 400
        if form.is_valid():
            try:
                phones.set_number(user, form.cleaned_data["phone"])
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("people:phone")
    return render(request, "account/phone.html", {"form": form, "known": known, "tab": "notifications"}, status=status)


@signed_in
@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """Take one's data along, or have them erased. How far an export is stands here, also after a reload."""
    return _data_page(request, EraseForm())


def _data_page(request: HttpRequest, form: EraseForm, status: int = 200) -> HttpResponse:
    with in_public():
        exports = [_shown(each) for each in requests.exports_of(request.user)[:5]]
    running = any(each["request"].status == DataRequest.Status.RUNNING for each in exports)
    partial = request.headers.get("HX-Target") == "exports"
    template = "account/_exports.html" if partial else "account/data.html"
    context = {"exports": exports, "running": running, "form": form, "tab": "data"}
    return render(request, template, context, status=status)


def _shown(request: DataRequest) -> dict[str, Any]:
    """A request with its progress in whole percent."""
    progress = requests.progress(request)
    return {"request": request, "percent": progress["done"] * 100 // max(1, progress["total"]), **progress}


@signed_in
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Begin to gather."""
    try:
        with in_public():
            requests.ask_for_export(_person(request))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("people:data")


@signed_in
@never_cache
@require_safe
def download(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The archive, for its owner only."""
    with in_public():
        content = requests.archive_of(request.user, pk)
    return HttpResponse(
        content,
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="my-data.zip"', "Cache-Control": "no-store"},
    )


@signed_in
@never_cache
@require_POST
@sensitive_post_parameters()
def erase(request: HttpRequest) -> HttpResponse:
    """End the account, and with it whatever names the person anywhere."""
    form = EraseForm(request.POST)
    if not form.is_valid():
        return _data_page(request, form, 400)
    try:
        with in_public():
            begun = requests.ask_for_erasure(
                _person(request), form.cleaned_data["password"], session=cookie_session(request)
            )
    except DomainError as refusal:
        show_refusal(form, refusal)
        return _data_page(request, form, refusal.status)
    response = redirect("people:erasure", secret=begun.secret)
    request.session.flush()
    clear_cookies(response)
    return response


@anyone
@never_cache
@require_safe
def erasure(request: HttpRequest, secret: str) -> HttpResponse:
    """How far it is, for whoever has this address: its owner can sign in no more."""
    with in_public():
        found = DataRequest.objects.filter(secret=secret, kind=DataRequest.Kind.ERASURE).first()
        if found is None:
            raise Http404
        shown = _shown(found)
    partial = request.headers.get("HX-Target") == "erasure"
    response = render(request, "account/_erasure.html" if partial else "account/erasure.html", {"erasure": shown})
    response["Referrer-Policy"] = "no-referrer"
    return response
