"""The shapes of what staff type about messages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenant_apps.notifications.smtp import PORTS
from tenant_apps.notifications.wording import Words

# Beyond what is kept, so that the refusal names how long it is; far below what a request may have.
MOST_TYPED = 20_000


class WordsForm(forms.Form):
    """Subject, text and short form of a topic. What may stand in them, `wording.check_words` says."""

    title = forms.CharField(label=_("Subject"), max_length=MOST_TYPED, strip=False)
    body = forms.CharField(
        label=_("Text"), max_length=MOST_TYPED, strip=False, widget=forms.Textarea(attrs={"rows": 10})
    )
    short = forms.CharField(
        label=_("Short form, for text messages and pushes"),
        max_length=MOST_TYPED,
        required=False,
        strip=False,
        help_text=_("Empty: the subject."),
    )

    def words(self) -> Words:
        """Return what was typed."""
        return Words(*(self.cleaned_data[name] for name in ("title", "body", "short")))


class SenderForm(forms.Form):
    """Who mail is from, and the server that it goes through."""

    name = forms.CharField(
        label=_("Name of the sender"), max_length=80, required=False, help_text=_("Empty: the name of your site.")
    )
    reply_to = forms.EmailField(label=_("Answers go to"), max_length=254, required=False)
    address = forms.EmailField(
        label=_("Address of the sender"), max_length=254, required=False,
        help_text=_("Empty: our own. Another one works once its DNS records are set, or through your own mail server."),
    )  # fmt: skip
    host = forms.CharField(
        label=_("Your mail server"), max_length=253, required=False, help_text=_("Empty: mail goes through ours.")
    )
    port = forms.TypedChoiceField(label=_("Port"), choices=[(port, port) for port in PORTS], coerce=int, required=False)
    username = forms.CharField(label=_("User name"), max_length=254, required=False)
    password = forms.CharField(
        label=_("Password"), max_length=500, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept encrypted and never shown. Empty: as it is."),
    )  # fmt: skip
    dkim_selector = forms.CharField(
        label=_("DKIM selector of your mail server"), max_length=63, required=False,
        help_text=_("So that we can check its record."),
    )  # fmt: skip
