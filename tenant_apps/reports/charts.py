"""What a report looks like: its rows as a plot whose lengths are percentages, drawn by the server as SVG.

No script, no other host, sharp at every width, in print and in both themes. Colours are classes, because the content
security policy refuses styles in the page. What a plot says, the table beside it says in figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil, floor
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from shared_apps.core.money import exponent
from shared_apps.core.templatetags.money import SIGNS, written
from tenant_apps.reports.registry import COUNT, DAY, MONEY, PERCENT, RATE, Column, ReportResult, Row

# More bars than this are a line: thinner ones would be smaller than a pixel of a phone.
MOST_BARS = 62
# Of things that are no days so many are shown, the rest is one more; of things within a bar likewise.
MOST_THINGS = 12
MOST_SERIES = 5
LINES = 4
TICKS = 6


@dataclass(slots=True)
class Piece:
    """One bar or part of one, in per cent of the plot, and what it says."""

    x: str
    y: str
    width: str
    height: str
    series: int
    said: str


@dataclass(slots=True)
class Curve:
    """A line over the plot: its points in a field of 1000 by 1000, and of which series it is."""

    points: str
    series: int
    area: str = ""


@dataclass(slots=True)
class Thing:
    """One row of a plot of things: its name, its figure in words, and lengths in per cent."""

    name: str
    value: str
    width: str
    start: str
    before: str = ""
    before_width: str = ""
    before_start: str = ""
    negative: bool = False


@dataclass(slots=True)
class Chart:
    """A plot, ready to be shown. `over_time`: bars or curves along days; else one bar for each thing."""

    title: str
    measure: Column
    currency: str
    over_time: bool
    empty: bool = False
    pieces: list[Piece] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    before: list[Piece] = field(default_factory=list)
    before_curve: Curve | None = None
    things: list[Thing] = field(default_factory=list)
    # From the top down, evenly apart; where the line of zero is, in per cent from the top.
    lines: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    zero: str = "100"
    # Below the bars or along the curve: the words, and whether they may be left out where it is narrow.
    ticks: list[tuple[str, bool]] = field(default_factory=list)
    each_bar: bool = False
    series: list[str] = field(default_factory=list)
    compared: bool = False
    summary: str = ""


def measures_of(result: ReportResult) -> list[Column]:
    """The figures that can be drawn."""
    return [column for column in result.figures if column.kind in (MONEY, COUNT, PERCENT)]


def charts(result: ReportResult, measure: str = "") -> list[Chart]:
    """Return a plot of one figure, by its name (the first of money, or the first there is); for money one for each
    currency, the tenant's own first."""
    offered = measures_of(result)
    if not offered:
        return []
    usual = next((column for column in offered if column.kind == MONEY), offered[0])
    chosen = next((column for column in offered if column.name == measure), usual)
    if chosen.kind != MONEY:
        return [_chart(result, chosen, None)]
    found = {str(row.get("currency") or result.currency) for row in result.rows} or {result.currency}
    ordered = sorted(found, key=lambda code: (code != result.currency, code))
    return [_chart(result, chosen, code) for code in ordered[:3]]


def value_in_words(value: Any, column: Column, currency: str) -> str:
    """A figure as people read it; a dash where there is none."""
    if value is None or value == "":
        return "–"
    if column.kind == MONEY:
        return written(int(value), currency, exact=True)
    if column.kind in (PERCENT, RATE):
        text = number_format(value, decimal_pos=None, use_l10n=True)
        return f"{text}\N{NO-BREAK SPACE}%" if not (get_language() or "en").startswith("en") else f"{text}%"
    if column.kind == COUNT:
        return number_format(value, decimal_pos=0, use_l10n=True, force_grouping=True)
    return str(value)


def day_in_words(value: Any, name: str, *, short: bool = False) -> str:
    """A day, or the week or month that begins with it."""
    if not isinstance(value, date):
        return str(value or "–")
    if name == "month":
        return date_format(value, "M Y" if short else "F Y")
    text = date_format(value, "j M" if short else "j E Y")
    if short and not (get_language() or "en").startswith("en"):
        text = text.lower()
    return _("week from %s") % text if name == "week" and not short else text


def name_of(value: Any, column: Column) -> str:
    """What a row is of, in words."""
    if column.kind == DAY:
        return day_in_words(value, column.name)
    if column.kind == RATE:
        return value_in_words(value, column, "")
    return str(value) if value not in (None, "") else _("without")


def _chart(result: ReportResult, measure: Column, currency: str | None) -> Chart:
    rows = _of_currency(result.rows, currency)
    earlier = _of_currency(result.previous.rows, currency) if result.previous else []
    dimensions = [column for column in result.dimensions if column.name != "currency"]
    title = str(measure.label) + (f", {currency}" if currency and currency != result.currency else "")
    time = next((column for column in dimensions if column.kind == DAY), None)
    chart = Chart(
        title=title, measure=measure, currency=currency or result.currency, over_time=time is not None,
        compared=result.previous is not None,
    )  # fmt: skip
    if time is not None:
        _along_time(chart, rows, earlier, time, [column for column in dimensions if column is not time], result)
    else:
        _of_things(chart, rows, earlier, dimensions)
    chart.compared = bool(chart.before or chart.before_curve or any(each.before for each in chart.things))
    chart.empty = not any(_number(row, measure) for row in rows)
    return chart


def _of_currency(rows: Sequence[Row], currency: str | None) -> list[Row]:
    return [row for row in rows if currency is None or str(row.get("currency") or currency) == currency]


def _number(row: Row, column: Column) -> float:
    value = row.get(column.name)
    return float(value) if value not in (None, "") else 0.0


# --- Along days -----------------------------------------------------------------------------------------------------


def _along_time(
    chart: Chart, rows: list[Row], earlier: list[Row], time: Column, others: list[Column], result: ReportResult
) -> None:
    moments = _calendar(sorted({row[time.name] for row in rows if isinstance(row[time.name], date)}), time, result)
    place = {moment: index for index, moment in enumerate(moments)}
    names, sums = _series(rows, others, chart.measure)
    stacks = [[0.0] * len(moments) for _name in names]
    for row in rows:
        if row[time.name] in place:
            key = _key(row, others)
            stacks[sums.get(key, len(names) - 1)][place[row[time.name]]] += _number(row, chart.measure)
    before = _earlier(earlier, time, len(moments), chart.measure, result)
    high = max([0.0, *before, *(sum(max(0, each[i]) for each in stacks) for i in range(len(moments)))])
    low = min([0.0, *before, *(sum(min(0, each[i]) for each in stacks) for i in range(len(moments)))])
    low, high = _axis(chart, low, high)
    chart.series = names if others else []
    chart.ticks = _ticks(moments, time)
    if len(moments) <= MOST_BARS:
        _bars(chart, moments, time, names, stacks, before, low, high, bool(others))
    else:
        _curves(chart, stacks, before, low, high)
    chart.summary = _summary(chart, moments, time, stacks)


def _calendar(found: list[date], time: Column, result: ReportResult) -> list[date]:
    """Every day of the time that was asked for, empty ones too; weeks and months as they are found."""
    from datetime import timedelta

    if time.name != "day":
        return found
    days = (result.to - result.from_).days + 1
    whole = [result.from_ + timedelta(days=index) for index in range(days)]
    return whole if set(found) <= set(whole) else found


def _series(rows: list[Row], others: list[Column], measure: Column) -> tuple[list[str], dict[tuple[Any, ...], int]]:
    """The largest few of what stands within each day, by name; the last takes all others."""
    if not others:
        return [""], {}
    sums: dict[tuple[Any, ...], float] = {}
    for row in rows:
        sums[_key(row, others)] = sums.get(_key(row, others), 0) + abs(_number(row, measure))
    largest = sorted(sums, key=lambda key: (-sums[key], str(key)))
    shown = largest if len(largest) <= MOST_SERIES else largest[: MOST_SERIES - 1]
    names = [_name_of_all(key, others) for key in shown]
    if len(shown) < len(largest):
        names.append(_("others"))
    return names or [""], {key: index for index, key in enumerate(shown)}


def _key(row: Row, columns: Sequence[Column]) -> tuple[Any, ...]:
    return tuple(row.get(column.name) for column in columns)


def _earlier(earlier: list[Row], time: Column, count: int, measure: Column, result: ReportResult) -> list[float]:
    """The days before, each beside the day with the same place in its stretch."""
    if result.previous is None or not count:
        return []
    found = [0.0] * count
    if time.name == "day":
        for row in earlier:
            if isinstance(row[time.name], date):
                index = (row[time.name] - result.previous.from_).days
                if 0 <= index < count:
                    found[index] += _number(row, measure)
        return found
    moments = sorted({row[time.name] for row in earlier if isinstance(row[time.name], date)})
    place = {moment: index for index, moment in enumerate(moments[-count:])}
    for row in earlier:
        if row[time.name] in place:
            found[place[row[time.name]]] += _number(row, measure)
    return found


def _bars(
    chart: Chart, moments: list[date], time: Column, names: list[str], stacks: list[list[float]],
    before: list[float], low: float, high: float, several: bool,
) -> None:  # fmt: skip
    step, span = 100 / max(1, len(moments)), high - low
    chart.each_bar = True
    for index, moment in enumerate(moments):
        words = day_in_words(moment, time.name)
        up = down = 0.0
        for series, (name, stack) in enumerate(zip(names, stacks, strict=True)):
            value = stack[index]
            if not value:
                continue
            base = up if value > 0 else down
            top, bottom = max(base, base + value), min(base, base + value)
            up, down = (base + value, down) if value > 0 else (up, base + value)
            # What is there must be seen.
            height = max((top - bottom) / span * 100, 0.7)
            said = value_in_words(_whole(value, chart), chart.measure, chart.currency)
            chart.pieces.append(
                Piece(
                    x=_share(index * step + step * 0.14), width=_share(step * 0.72),
                    y=_share(max(0.0, (high - top) / span * 100)), height=_share(height), series=series + 1,
                    said=f"{words}{', ' + name if several and name else ''}: {said}",
                )
            )  # fmt: skip
        if before and before[index]:
            said = value_in_words(_whole(before[index], chart), chart.measure, chart.currency)
            chart.before.append(
                Piece(
                    x=_share(index * step + step * 0.04), width=_share(step * 0.92),
                    y=_share((high - before[index]) / span * 100), height="0", series=0,
                    said=_("before: %s") % said,
                )
            )  # fmt: skip


def _curves(chart: Chart, stacks: list[list[float]], before: list[float], low: float, high: float) -> None:
    span = high - low

    def points(values: list[float]) -> str:
        last = max(1, len(values) - 1)
        return " ".join(f"{1000 * i / last:.1f},{1000 * (high - v) / span:.1f}" for i, v in enumerate(values))

    heap = [0.0] * len(stacks[0])
    drawn = []
    for series, stack in enumerate(stacks):
        below = list(heap)
        heap = [one + two for one, two in zip(heap, stack, strict=True)]
        back = points(below).split(" ")[::-1]
        drawn.append(Curve(points=points(heap), series=series + 1, area=f"{points(heap)} {' '.join(back)}"))
    chart.curves = drawn
    if any(before):
        chart.before_curve = Curve(points=points(before), series=0)


def _ticks(moments: list[date], time: Column) -> list[tuple[str, bool]]:
    """About six labels: below their bars (the others empty), or from the first point to the last."""
    if not moments:
        return []
    last = len(moments) - 1
    if len(moments) <= MOST_BARS:
        step = max(1, ceil(len(moments) / TICKS))
        many = len(moments) > TICKS // 2
        return [
            (day_in_words(each, time.name, short=True), many and (last - index) // step % 2 == 1)
            if (last - index) % step == 0
            else ("", False)
            for index, each in enumerate(moments)
        ]
    places = [round(last * index / (TICKS - 1)) for index in range(TICKS)]
    return [
        (day_in_words(moments[index], time.name, short=True), 0 < number < TICKS - 1 and number % 2 == 1)
        for number, index in enumerate(places)
    ]


def _summary(chart: Chart, moments: list[date], time: Column, stacks: list[list[float]]) -> str:
    sums = [sum(stack[index] for stack in stacks) for index in range(len(moments))]
    if not any(sums):
        return _("%s: nothing in this time.") % chart.title
    best = max(range(len(sums)), key=lambda index: sums[index])
    return _("%(title)s over time. The most on %(day)s: %(value)s. The same as a table follows.") % {
        "title": chart.title, "day": day_in_words(moments[best], time.name),
        "value": value_in_words(_whole(sums[best], chart), chart.measure, chart.currency),
    }  # fmt: skip


# --- Of things ------------------------------------------------------------------------------------------------------


def _of_things(chart: Chart, rows: list[Row], earlier: list[Row], dimensions: list[Column]) -> None:
    measure = chart.measure
    before = {_key(row, dimensions): _number(row, measure) for row in earlier}
    ordered = sorted(rows, key=lambda row: -abs(_number(row, measure)))
    shown = ordered if len(ordered) <= MOST_THINGS + 1 else ordered[:MOST_THINGS]
    rest = ordered[len(shown) :]
    values = [
        (_things_name(row, dimensions), _number(row, measure), before.get(_key(row, dimensions))) for row in shown
    ]
    if rest and measure.kind != PERCENT:
        keys = {_key(row, dimensions) for row in rest}
        was = sum(value for key, value in before.items() if key in keys) if before else None
        values.append((_("%d others") % len(rest), sum(_number(row, measure) for row in rest), was))
    every = [value for _name, value, _was in values] + [was for _name, _value, was in values if was is not None]
    high, low = max([0.0, *every]), min([0.0, *every])
    if measure.kind == PERCENT:
        high = max(high, 100.0)
    span = (high - low) or 1.0
    for name, value, was in values:
        thing = Thing(
            name=name, value=value_in_words(_whole(value, chart), measure, chart.currency),
            width=_share(abs(value) / span * 100), start=_share((min(0.0, value) - low) / span * 100),
            negative=value < 0,
        )  # fmt: skip
        if chart.compared and was is not None:
            thing.before = value_in_words(_whole(was, chart), measure, chart.currency)
            thing.before_width = _share(abs(was) / span * 100)
            thing.before_start = _share((min(0.0, was) - low) / span * 100)
        chart.things.append(thing)
    chart.summary = chart.title


def _things_name(row: Row, dimensions: list[Column]) -> str:
    return _name_of_all(_key(row, dimensions), dimensions) if dimensions else _("all")


def _name_of_all(key: tuple[Any, ...], columns: Sequence[Column]) -> str:
    """What something is, in all that is told of it; what is empty beside something else says nothing."""
    told = [name_of(each, column) for each, column in zip(key, columns, strict=True) if each not in (None, "")]
    return ", ".join(told) or _("without")


# --- Axes -----------------------------------------------------------------------------------------------------------


def _axis(chart: Chart, low: float, high: float) -> tuple[float, float]:
    """Choose round lines around all values, note them from the top down, and return where the plot ends."""
    unit = 10 ** exponent(chart.currency) if chart.measure.kind == MONEY else 1
    low, high = low / unit, high / unit
    if high == low:
        high = low + 1
    step = _round_step((high - low) / LINES, whole=chart.measure.kind == COUNT)
    bottom, top = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    values = [index * step for index in range(top, bottom - 1, -1)]
    chart.lines = [_share(100 * index / max(1, len(values) - 1)) for index in range(len(values))]
    chart.marks = [_short(value, chart) for value in values]
    chart.zero = _share(100 * top / max(1, top - bottom))
    return bottom * step * unit, top * step * unit


def _round_step(least: float, *, whole: bool) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten that is not less."""
    power = 10.0 ** floor(_log10(least))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= least * 0.999)
    return float(max(1, ceil(step))) if whole else step


def _log10(value: float) -> float:
    from math import log10

    return log10(value) if value > 0 else 0.0


def _short(value: float, chart: Chart) -> str:
    """A figure at an axis: as few signs as it takes."""
    english = (get_language() or "en").startswith("en")
    size, words = 1.0, ""
    for each, en, other in ((1e9, "B", "млрд"), (1e6, "M", "млн"), (1e4, "K", "тыс.")):
        if abs(value) >= each:
            size, words = (1e3 if each == 1e4 else each), (en if english else f"\N{NO-BREAK SPACE}{other}")
            break
    number = value / size
    digits = 0 if abs(number - round(number)) < 1e-6 else 1 if abs(number * 10 - round(number * 10)) < 1e-6 else 2
    text = number_format(abs(number), decimal_pos=digits, use_l10n=True, force_grouping=True) + words
    minus = "\N{MINUS SIGN}" if value < 0 else ""
    if chart.measure.kind == MONEY:
        sign = SIGNS.get(chart.currency, chart.currency)
        if english and len(sign) == 1:
            return f"{minus}{sign}{text}"
        return f"{minus}{text}\N{NO-BREAK SPACE}{sign}"
    if chart.measure.kind == PERCENT:
        return f"{minus}{text}%" if english else f"{minus}{text}\N{NO-BREAK SPACE}%"
    return f"{minus}{text}"


def _whole(value: float, chart: Chart) -> Any:
    """The value as it was before it was drawn: minor units and counts are whole."""
    return round(value, 1) if chart.measure.kind == PERCENT else round(value)


def _share(value: float) -> str:
    """A length in per cent, with a point in every language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
