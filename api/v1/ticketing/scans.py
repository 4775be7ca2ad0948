"""Scans over HTTP: one at a time while there is network, many at once when it is back."""

import re
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.ticketing.check_in import AtList
from api.v1.ticketing.presentation import answer_json, late_json
from api.v1.ticketing.serializers import ScanInput, ScanSerializer, ScansInput, ScansSerializer
from tenant_apps.ticketing import late, scanning
from tenant_apps.ticketing.late import Knew
from tenant_apps.ticketing.scanning import Scan

_KNOWN = frozenset({"code", "scan_id", "direction"})
_SCAN_ID = re.compile(r"[!-~]{1,64}")
_LONGEST_CODE = 4096


class ScanView(AtList):
    """Admit a ticket or say why not: 201, or 200 with the first answer for a `scan_id` that is known."""

    permissions = {"post": "check_in"}

    @extend_schema(
        operation_id="check_in_lists_scan", request=ScanInput, responses={200: ScanSerializer, 201: ScanSerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        wanted = plain_scan(request.data)
        sent_at = None
        if wanted is None:
            self.entrance  # noqa: B018  (whoever may not scan here is told so, and not what is wrong with the scan)
            wanted, sent_at = _judged(request.data)
        if wanted.decided:
            (settled,) = late.settle(self.entrance, [(wanted, Knew())], by=request.user, sent_at=sent_at)
            return Response(late_json(settled), status=200 if settled.answer.repeated else 201)
        answer = scanning.scan_at(pk, wanted, by=request.user, sent_at=sent_at)
        return Response(answer_json(answer), status=200 if answer.repeated else 201)


class ScansView(AtList):
    """What a scanner read while it was offline, in order; each scan is decided by itself (T3)."""

    permissions = {"post": "check_in"}

    @extend_schema(operation_id="check_in_lists_scans", request=ScansInput, responses=ScansSerializer)
    def post(self, request: Request, pk: int) -> Response:
        entrance = self.entrance
        shape = ScansInput(data=request.data)
        shape.is_valid(raise_exception=True)
        scans = [(_scan(each), Knew(**(each["offline"] or {}))) for each in shape.validated_data["scans"]]
        settled = late.settle(entrance, scans, by=request.user, sent_at=shape.validated_data["sent_at"])
        return Response({"results": [late_json(each) for each in settled]})


def plain_scan(body: Any) -> Scan | None:
    """Return the scan that a body of the plainest kind is, as scanners with network send it; None for all others.

    It takes nothing that the serializer refuses, at a fraction of its cost; what is left is the serializer's.
    """
    if not isinstance(body, dict) or not body.keys() <= _KNOWN:
        return None
    code, scan_id, direction = body.get("code"), body.get("scan_id"), body.get("direction", "in")
    if type(code) is not str or len(code) > _LONGEST_CODE or direction not in ("in", "out"):
        return None
    if type(scan_id) is not str or not _SCAN_ID.fullmatch(scan_id):
        return None
    return Scan(code, scan_id, None, direction)


def _judged(body: Any) -> tuple[Scan, datetime | None]:
    shape = ScanInput(data=body)
    shape.is_valid(raise_exception=True)
    return _scan(shape.validated_data), shape.validated_data["sent_at"]


def _scan(fields: Any) -> Scan:
    return Scan(fields["code"], fields["scan_id"], fields["scanned_at"], fields["direction"], fields["decided"])
