"""The scanner's side of the door, over HTTP: the list it takes along, and what it contradicted when it came back."""

from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import moment
from api.pagination import BadPage, Cursor
from api.v1.ticketing.check_in import AtList
from api.v1.ticketing.serializers import ListedTicketsSerializer, ScanConflictSerializer
from tenant_apps.ticketing import late, offline
from tenant_apps.ticketing.models import OfflineScan

_PARAMETERS = [
    OpenApiParameter("modified_since", str, description="Only what changed since: `generated_at` of your last list."),
    OpenApiParameter("after", UUID, description="Goes on after this ticket; `next` has it."),
]


class ListTicketsView(AtList):
    """The list for a device that will be offline: a thousand tickets an answer, `next` leads on.

    `Bundle-Signature: key=…, ed25519=…` vouches for the answer's very bytes, preceded by `FOYER-LIST-1` and a newline.
    """

    permissions = {"get": "check_in"}
    parameters = frozenset({"after"})

    @extend_schema(operation_id="check_in_lists_tickets", parameters=_PARAMETERS, responses=ListedTicketsSerializer)
    def get(self, request: Request, pk: int) -> HttpResponse:
        entrance, query = self.entrance, request.query_params
        given = query.get("modified_since")
        since = None if given is None else moment(given, "modified_since")
        found = offline.part(entrance, since=since, after=_after(query.get("after")))
        following = None
        if found.next_after is not None:
            ongoing = query.copy()
            ongoing["after"] = str(found.next_after)
            following = f"{request.build_absolute_uri(request.path)}?{ongoing.urlencode()}"
        body = orjson.dumps({**found.head, "next": following, "results": found.tickets})
        headers = {"Bundle-Signature": offline.sign(body), "Cache-Control": "no-store"}
        return HttpResponse(body, content_type="application/json", headers=headers)


class ListConflictsView(AtList):
    """Scans of devices without network that told the door something else than we do, the latest first."""

    permissions = {"get": "check_in"}

    @extend_schema(operation_id="check_in_lists_conflicts", responses=ScanConflictSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        pages = _Latest()
        page: list[Any] = pages.paginate_queryset(late.conflicts([self.entrance.pk]), request, view=self) or []
        return pages.get_paginated_response([conflict_json(each) for each in page])


class ConflictSeenView(AtList):
    """Somebody has dealt with it; repeating changes nothing."""

    permissions = {"post": "check_in"}

    @extend_schema(
        operation_id="check_in_lists_conflict_seen",
        request=None,
        responses={200: OpenApiResponse(ScanConflictSerializer)},
    )
    def post(self, request: Request, pk: int, scan_id: str) -> Response:
        found = late.conflict_at(self.entrance, scan_id)
        late.mark_seen(found, by=request.user)
        return Response(conflict_json(late.conflict_at(self.entrance, scan_id)))


class _Latest(Cursor):
    ordering = ("-received_at", "-pk")


def conflict_json(row: OfflineScan) -> dict[str, Any]:
    """Both answers, and what the door may know of the ticket."""
    scan, ticket = row.check_in, row.check_in.ticket
    return {
        "scan_id": scan.scan_id,
        "contradiction": row.conflict,
        "told": {"result": scan.decided_offline, "reason": row.reason},
        "decided": {"result": scan.result, "reason": scan.reason},
        "direction": scan.direction,
        "scanned_at": scan.scanned_at,
        "received_at": row.received_at,
        "listed_at": row.listed_at,
        "clock_ahead": row.clock_ahead,
        "device": row.device,
        "seen_at": row.seen_at,
        "ticket": None
        if ticket is None or scan.reason == "wrong_event"
        else {
            "id": ticket.pk,
            "short_code": ticket.short_code,
            "holder": ticket.holder_name,
            "ticket_type_name": ticket.ticket_type.name,
        },
    }


def _after(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise BadPage(field="after") from None
