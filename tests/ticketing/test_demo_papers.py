"""Every ticket file of the demo, looked at by programs that are not ours: PDFium draws it, OpenCV reads the code.

The suite takes a few orders of each tenant and the worst fold; `make prove-tickets` takes all of them, folded each way.
"""

import os
from collections import Counter

import numpy as np

from platform_config.demo import seed as demo
from tenant_apps.orders import ticket_files
from tenant_apps.orders.models import Order
from tenant_apps.ticketing import codes, papers
from tenants.context import in_tenant
from tenants.models import Tenant
from tests.ticketing import paper_trials

ALL = os.environ.get("PROVE_TICKETS") == "all"
FEW = 3
FOLDED = paper_trials.A4_FOLDED if ALL else paper_trials.A4_FOLDED[-1:]
# How often somebody at the door holds the sheet up to the camera before they type the short code.
LOOKS = 3


def orders_of_the_demo():
    """Paid orders with tickets that admit: all, or the first ones for different events."""
    seen, taken = set(), 0
    for order in Order.objects.filter(status=Order.Status.PAID).order_by("created_at", "pk"):
        lines = list(ticket_files.lines_of(order).select_related("ticket__event", "ticket__ticket_type"))
        events = {line.event_id for line in lines}
        if lines and (ALL or (taken < FEW and not events <= seen)):
            seen |= events
            taken += 1
            yield order, [line.ticket for line in lines]


def one_line(text):
    return " ".join(text.replace("\u00a0", " ").split())


def test_every_file_of_the_demo_is_read_by_other_programs(transactional_db, record_property):
    demo.seed()
    counted, wrong = Counter(), []
    chance = np.random.default_rng(2026)
    for tenant in Tenant.objects.filter(slug__in=[plan.slug for plan in demo.PLANS]).order_by("slug"):
        with in_tenant(tenant):
            for order, tickets in orders_of_the_demo():
                counted["orders"] += 1
                for layout in papers.LAYOUTS:
                    content = ticket_files.order_file(order, layout=layout)
                    looked_at(content, order, tickets, layout, chance, counted, wrong)
    record_property("demo_papers", dict(counted))
    print(dict(counted))  # noqa: T201  (what `make prove-tickets` tells)
    assert not wrong, (len(wrong), wrong[:10])
    assert counted["orders"] >= (100 if ALL else FEW * 3)
    assert counted["cyrillic"] > 5


def looked_at(content, order, tickets, layout, chance, counted, wrong):
    texts = codes.code_texts(tickets)
    pages, words = paper_trials.pages(content), paper_trials.words(content)
    assert len(pages) == len(words) == len(tickets)
    for ticket, page, said in zip(tickets, pages, words, strict=True):
        where = f"{order.code} {ticket.short_code} {layout}"
        counted["codes"] += 1
        if paper_trials.decoded(page) != texts[ticket.pk]:
            wrong.append(f"{where}: the code is not read from the page")
        holder = ticket_files.holder_of(ticket, order)
        for text in (ticket.event.title, ticket.ticket_type.name, holder, order.code):
            if one_line(text) not in one_line(said):
                wrong.append(f"{where}: {text!r} is not in {said!r}")
            counted["texts"] += 1
            counted["cyrillic"] += any("а" <= letter.lower() <= "я" for letter in text)
        if layout == "a4":
            for how in FOLDED:
                counted[how] += 1
                looks = 0
                while looks < LOOKS:
                    looks += 1
                    held = paper_trials.print_and_fold(page, how, chance)
                    if paper_trials.decoded(held) == texts[ticket.pk]:
                        break
                else:
                    wrong.append(f"{where}: not read after {LOOKS} looks, folded {how}")
                counted[f"{how}, looks"] += looks
