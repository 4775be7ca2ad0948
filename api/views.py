"""What every view of the API has in common: one permission class, closed parameters, private unless said otherwise."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import generics, mixins, viewsets
from rest_framework import views as rest_framework_views
from rest_framework.request import Request
from rest_framework.response import Response

from api.permissions import Declared, Rule
from api.renderers import AlwaysAnswer
from shared_apps.core.errors import FieldError, InvalidInput

# What any list takes, and what any address takes.
COMMON_PARAMETERS = frozenset({"page", "page_size", "cursor", "ordering", "modified_since", "lang", "format"})


class UnknownParameter(InvalidInput):
    code = "unknown_parameter"
    message = _("This address does not take these parameters.")


class APIView(rest_framework_views.APIView):
    """A view by method, `permissions = {"get": …, "post": …}`; and what all families below have in common."""

    permissions: ClassVar[dict[str, Rule]] = {}
    # For what is OWN: the permissions by which staff may do it too. The view asks; the table of routes tells.
    staff_too: ClassVar[dict[str, Rule]] = {}
    permission_classes = (Declared,)
    content_negotiation_class = AlwaysAnswer
    metadata_class = None
    # The names that the query may hold beside the common ones. None: the view looks at its query by itself.
    parameters: ClassVar[frozenset[str] | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.parameters is not None and request.method in ("GET", "HEAD"):
            _refuse_unknown(request, self.parameters | COMMON_PARAMETERS)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Say which methods there are; DRF's own description of the fields is not given to everybody."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        limit = getattr(request, "rate_limit", None)
        if limit is not None:
            limit.write(response)
        return response


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise UnknownParameter(
            errors=[
                FieldError(name[:100], UnknownParameter.code, _("There is no such parameter.")) for name in unknown[:20]
            ]
        )


class GenericAPIView(APIView, generics.GenericAPIView):
    """APIView with a queryset, a serializer and pages."""


class ViewSet(APIView, viewsets.ViewSet):
    """A view by action: `permissions = {"list": …, "create": …}`."""


class GenericViewSet(APIView, viewsets.GenericViewSet):
    """ViewSet with a queryset, a serializer and pages."""


class ReadOnlyModelViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, GenericViewSet):
    """List and detail."""


class ModelViewSet(
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    GenericViewSet,
):
    """List, detail and the writes."""
