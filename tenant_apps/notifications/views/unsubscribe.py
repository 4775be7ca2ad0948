"""The page behind the link in each mail, and the one click of mail programs (RFC 8058)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from shared_apps.core.access import own
from tenant_apps.notifications.unsubscribing import is_unsubscribed, read_link, subscribe_again, unsubscribe


# Mail programs post here without a cookie or token of ours; what the signed link allows is all that can be done.
@csrf_exempt
@own
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    """A GET only shows what could be done: programs that look at links ahead change nothing. A POST does it."""
    link = read_link(token)
    if link is None:
        raise Http404
    if request.method == "POST":
        if request.POST.get("again"):
            subscribe_again(link)
        else:
            unsubscribe(link)
    context = {"link": link, "label": link.topic.label, "off": is_unsubscribed(link)}
    return render(request, "storefront/unsubscribe/page.html", context)
