"""Products that are broken on purpose, each to see that what it does wrong would be seen.

`make race` starts one where places are claimed without asking whether there are any, `make prove-isolation` one that
stays in a tenant after a fault. Only bench.settings knows of them, by BENCH_MUTATION; the product has no such switch.
"""

from pathlib import Path
from typing import Any

from django.apps import AppConfig


class ClaimsWithoutCondition(AppConfig):
    name = "bench.mutation"
    label = "bench_mutation"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from shared_apps.core.capacity import LimitedCapacityQuerySet

        real = LimitedCapacityQuerySet._change

        def change(rows: Any, change: str, condition: str, pk: Any, places: int) -> bool:
            return real(rows, change, "true", pk, places)

        LimitedCapacityQuerySet._change = change  # type: ignore[method-assign]  # that is the mutation


class TenantsThatAreNotLeft(AppConfig):
    name = "bench.mutation"
    label = "bench_mutation"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from django.db import connection

        from tenants import hosts, lookup
        from tenants.middleware import TenantMiddleware

        real = TenantMiddleware.__call__

        def call(middleware: Any, request: Any) -> Any:
            host = hosts.of_request(request)
            tenant = None if host in hosts.platform_hosts() else lookup.by_host(host or "")
            if tenant is None:
                return real(middleware, request)
            request.tenant = tenant
            # "It is in public anyway: whoever was here before has left."
            if connection.schema_name == "public":
                connection.set_tenant(tenant)
            response = middleware.get_response(request)
            if response.status_code < 500:
                connection.set_schema_to_public()
            return response

        TenantMiddleware.__call__ = call  # type: ignore[method-assign]  # that is the mutation
