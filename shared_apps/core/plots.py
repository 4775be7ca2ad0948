"""What plots that are made on the server need to know."""


def round_up(value: int) -> int:
    """Return the next round number: where an axis ends."""
    if value <= 0:
        return 1
    power = 10 ** (len(str(value)) - 1)
    return next(step * power // 10 for step in (10, 12, 16, 20, 30, 40, 60, 80, 100) if step * power // 10 >= value)
