"""The staff's page of an event's reminders."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from shared_apps.core.access import staff
from shared_apps.core.errors import DomainError
from shared_apps.core.forms import show_refusal
from tenant_apps.events.staff_view import event_for
from tenant_apps.notifications import reminder_plan

WORDS = {
    reminder_plan.PLANNED: (gettext_lazy("Planned"), "chip--info"),
    reminder_plan.SENDING: (gettext_lazy("Going out"), "chip--warn"),
    reminder_plan.SENT: (gettext_lazy("Sent"), "chip--good"),
    reminder_plan.LEFT_OUT: (gettext_lazy("Left out"), ""),
    reminder_plan.NOT_NOW: (gettext_lazy("When it is published"), ""),
}


class RemindersForm(forms.Form):
    """Whose times hold, and the event's own, one on each line."""

    own = forms.ChoiceField(
        label=gettext_lazy("Reminders of this event"),
        choices=[("no", gettext_lazy("as for all events")), ("yes", gettext_lazy("at times of its own"))],
        widget=forms.RadioSelect,
    )
    offsets_minutes = forms.CharField(
        label=gettext_lazy("Minutes before the start, one on each line"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("60 is an hour, 1440 a day. Nothing: no reminders."),
        widget=forms.Textarea(attrs={"rows": 3, "inputmode": "numeric"}),
    )

    def minutes(self) -> list[Any] | None:
        """Return what was typed; text that is no number is left for the rule to refuse."""
        if self.cleaned_data["own"] == "no":
            return None
        lines = (line.strip() for line in self.cleaned_data["offsets_minutes"].splitlines())
        return [int(line) if line.isascii() and line.isdigit() and len(line) < 9 else line for line in lines if line]


@staff("change_event")
def reminders(request: HttpRequest, slug: str) -> HttpResponse:
    """When reminders go out, on the clock at the event's place, how many did, and a form to change it."""
    event, rights = event_for(request.user, slug, "change_event")
    plan = reminder_plan.plan_of(event)
    status = 200
    initial = {"own": "yes" if plan.own else "no", "offsets_minutes": "\n".join(map(str, plan.offsets))}
    form = RemindersForm(request.POST or None, initial=initial)
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                reminder_plan.set_offsets(event, form.minutes(), actor=request.user)
            except DomainError as refusal:
                show_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, _("Saved."))
                return redirect("dashboard-event-reminders", slug=slug)
    context = {
        "nav": "events",
        "event": event,
        "event_rights": rights,
        "event_tab": "reminders",
        "plan": plan,
        "rows": [_row(each) for each in plan.reminders],
        "earlier": [_row(each) for each in plan.before],
        "usual": [span(minutes) for minutes in reminder_plan.usual_offsets()],
        "form": form,
    }
    return render(request, "dashboard/events/reminders.html", context, status=status)


def span(minutes: int) -> str:
    """Return a length of time in words: whole days, whole hours, or minutes."""
    if minutes % 1440 == 0:
        return ngettext("{count} day", "{count} days", minutes // 1440).format(count=minutes // 1440)
    if minutes % 60 == 0:
        return ngettext("{count} hour", "{count} hours", minutes // 60).format(count=minutes // 60)
    return ngettext("{count} minute", "{count} minutes", minutes).format(count=minutes)


def _row(each: reminder_plan.Reminder) -> dict[str, Any]:
    word, kind = WORDS[each.status]
    return {"span": span(each.offset_minutes), "at": each.at, "word": word, "kind": kind, "told": each.told}
