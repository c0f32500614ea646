"""What is ill, in a sentence for its reader. No address, no patient."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jieli.pager.models import Illness, Probe

TRANSPORTS = {
    Probe.Transport.CLOCK.value: gettext_lazy("Clock"),
    Probe.Transport.IN_APP.value: gettext_lazy("Ring on an open page"),
    Probe.Transport.VOICE.value: gettext_lazy("Telephone call"),
    Probe.Transport.SMS.value: gettext_lazy("Text message"),
    Probe.Transport.APPRISE.value: gettext_lazy("Messenger"),
    Probe.Transport.EMAIL.value: gettext_lazy("E-mail"),
}
KINDS = {
    "gateway": gettext_lazy("Telephone gateway"),
    "apprise": gettext_lazy("Messenger"),
    "email": gettext_lazy("E-mail"),
}
SENTENCES = {
    "runner": gettext_lazy("No runner works: nobody is rung and no clock fires."),
    "rings": gettext_lazy("Rings wait and are not sent."),
    "clocks": gettext_lazy("Clocks are due and do not fire."),
    "probes": gettext_lazy("The pager has stopped trying itself."),
    "database": gettext_lazy("The database cannot be reached."),
}
ABOUT = {
    "runner": gettext_lazy("The runner on %(name)s has fallen silent; another works."),
    "work": gettext_lazy("Work of the runner does not come back: %(name)s."),
    "skew": gettext_lazy("The clock of %(name)s differs from the database's by %(detail)s s."),
    "disk": gettext_lazy("Only %(detail)s of the disk of %(name)s is free."),
    "transport": gettext_lazy("Test rings do not pass: %(name)s."),
    "slow": gettext_lazy("Test rings pass late: %(name)s, %(detail)s."),
    "sends": gettext_lazy("Nothing that is sent goes out: %(name)s."),
}


def sentence(cause: str, grade: str, detail: str) -> str:
    """“Test rings do not pass: telephone call.”"""
    kind, dot, name = cause.partition(".")
    if not dot:
        return str(SENTENCES.get(kind, cause))
    if kind == "transport" and grade == Illness.Grade.WARN:
        kind = "slow"
    shown = str(TRANSPORTS.get(name, name)) if kind in ("transport", "slow") else name
    shown = str(KINDS.get(name, shown)) if kind == "sends" else shown
    return str(ABOUT[kind]) % {"name": shown, "detail": detail} if kind in ABOUT else cause


def alarm_words(what: str, *, over: bool) -> tuple[str, str]:
    """Title and text of what people are told."""
    if over:
        return _("Jieli: the pager is well again"), _("Over: %(what)s") % {"what": what}
    text = _("%(what)s Keep the duty telephone list at hand.") % {"what": what}
    return _("Jieli: the pager is ill"), text
