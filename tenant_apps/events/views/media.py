"""Pictures of events: the staff's page, and the files themselves."""

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shared_apps.core import picture_page, pictures
from shared_apps.core.access import anyone, staff
from tenant_apps.events import media
from tenant_apps.events.models import Event, EventMedia
from tenant_apps.events.staff_view import event_for


@staff("change_event")
def event_media(request: HttpRequest, slug: str) -> HttpResponse:
    """The pictures of one event: adding, describing, ordering, choosing the one that leads."""
    event, rights = event_for(request.user, slug, "change_event")
    writing = picture_page.Writing(
        rows=EventMedia.objects.filter(event=event),
        add=partial(media.add_media, event, actor=request.user),
        change=partial(media.change_media, actor=request.user),
        delete=partial(media.delete_media, actor=request.user),
    )
    context = {"nav": "events", "event": event, "event_rights": rights, "event_tab": "media"}
    return picture_page.page(request, writing, "dashboard/events/media.html", context)


@anyone
@require_safe
def file(request: HttpRequest, file: str) -> HttpResponse:
    """One file of a picture; of a draft's, only for who may see the draft."""
    stem, width, kind = pictures.parsed(file)
    found = EventMedia.objects.filter(stem=stem).first()
    if found is None:
        raise Http404
    public = Event.objects.public().filter(pk=found.event_id).exists()
    if not public and not Event.objects.visible_to(request.user).filter(pk=found.event_id).exists():
        raise Http404
    return pictures.response(found, width, kind, public=public)
