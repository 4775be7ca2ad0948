"""Telephone numbers as the world writes them (E.164), by Google's rules of numbering plans (`phonenumbers`)."""

from django.utils.translation import gettext_lazy as _

from shared_apps.core.errors import InvalidInput

LONGEST = 40


class NoPhoneNumber(InvalidInput):
    code = "phone_invalid"
    message = _("This is no telephone number. Write it with the country's code, such as +49 30 901820.")


def e164(text: str) -> str:
    """Return the number as +49…, or "" if no such number can exist. It must name its country: nothing is guessed."""
    import phonenumbers  # loads the numbering plans of all countries: only where a number is looked at

    text = text.strip()
    if not text.startswith("+") or len(text) > LONGEST or not text.isascii():
        return ""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return ""
    # An extension is somebody's in an office: no text message gets there.
    if number.extension or not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def checked(text: str, *, field: str = "phone") -> str:
    """Return the number as +49…. Raises NoPhoneNumber."""
    number = e164(text)
    if not number:
        raise NoPhoneNumber(field=field)
    return number


def shortened(number: str) -> str:
    """Return a number so that its owner knows it and others learn little of it."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 6 else number
