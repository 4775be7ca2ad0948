"""What people choose from on the reports' pages."""

from django.utils.translation import gettext as _

from tenant_apps.reports.registry import Report


def groups_of(found: Report) -> list[tuple[str, str]]:
    """What one line can stand for: each dimension, days with each of the others, and everything together."""
    single = [(name, str(label)) for name, label in found.dimensions.items()]
    times = [name for name in ("day", "week", "month") if name in found.dimensions]
    pairs = [
        (f"{time},{name}", _("%(one)s and %(other)s") % {"one": found.dimensions[time], "other": label})
        for time in times[-1:]
        for name, label in found.dimensions.items()
        if name not in times
    ]
    usual = ",".join(found.usual)
    known = {name for name, _label in (*single, *pairs)} | {"total"}
    words = _("%(one)s and %(other)s")
    own = [] if usual in known or not usual else [
        (usual, words % {"one": str(found.dimensions[found.usual[0]]),
                         "other": ", ".join(str(found.dimensions[name]) for name in found.usual[1:])})
    ]  # fmt: skip
    return [*own, *single, *pairs, ("total", _("Everything together"))]
