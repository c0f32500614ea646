"""The words of guidance from afar, here because the record of a case tells of it."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

STATES: Mapping[str, object] = {
    "planned": _("planned"),
    "running": _("guidance running"),
    "degraded": _("link lost: telephone"),
    "suspended": _("guidance suspended"),
    "converted": _("ended by the theatre"),
    "ended": _("ended"),
    "cancelled": _("cancelled"),
}
ENTRIES: Mapping[str, object] = {
    "advice": _("advice"),
    "step": _("step done"),
    "finding": _("finding"),
    "blood_loss": _("blood loss"),
    "specimen": _("specimen"),
    "lead": _("who leads"),
    "note": _("note"),
}
LEADS: Mapping[str, object] = {
    "operator": _("the operator leads"),
    "guide": _("the guide leads"),
    "anaesthetist": _("the anaesthetist leads"),
}
LADDER: Mapping[str, object] = {
    "full": _("full picture"),
    "fewer_feeds": _("fewer pictures"),
    "lower_picture": _("smaller picture"),
    "stills": _("stills and voice"),
    "voice": _("voice only"),
    "text": _("text and telephone"),
}
CHECKS: Mapping[str, object] = {
    "stop": _("stop or convert without the link"),
    "responsible": _("legally responsible"),
    "telephone": _("telephone when the link fails"),
    "link": _("link declared"),
    "dual_path": _("two paths"),
    "introduced": _("guide introduced"),
    "teaching": _("consent to teaching use"),
}
ANSWERS: Mapping[str, object] = {"yes": _("Yes"), "no": _("No")}
