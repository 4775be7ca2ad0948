"""The one kind of refusal that the launcher knows: what is wrong, and how to mend it."""


class CannotStart(Exception):
    """Ends `make run` with one line and exit code 1. `what` and `mend` are whole sentences."""

    def __init__(self, what: str, mend: str):
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend
