"""What a room's page calls its roles and tools."""

from django.utils.translation import gettext as _

from jieli.rules import rooms as rules


def words_of_role(role: str) -> tuple[str, str]:
    """Name, and what one does there."""
    return {
        rules.EXPERT: (_("Expert"), _("Sees all, speaks, draws, freezes")),
        rules.BEDSIDE: (_("With the patient"), _("Shows the patient and monitors, speaks, draws")),
        rules.OPERATOR: (_("Operator"), _("Shows the field, speaks, draws")),
        rules.ANAESTHESIA: (_("Anaesthesia"), _("Shows the monitor, speaks")),
        rules.NURSE: (_("Circulating nurse"), _("Serves the screen: freezes, draws, writes")),
        rules.COORDINATOR: (_("Coordinator"), _("Speaks and writes")),
        rules.LEARNER: (_("Learner"), _("Watches and may put a hand up")),
        rules.SPEAKER: (_("Speaker"), _("Leads the lecture: speaks, shows, draws")),
        rules.ASKING: (_("Asks"), _("May speak now")),
    }[role]


def tools() -> list[tuple[str, str, str]]:
    """Code, symbol and word of each tool, in the order of the bar."""
    return [
        ("pen", "pen", _("Pen")),
        ("arrow", "arrow", _("Arrow")),
        ("circle", "circle", _("Circle")),
        ("point", "hand", _("Point")),
        ("undo", "undo", _("Undo")),
        ("clear", "x", _("Clear")),
        ("freeze", "freeze", _("Freeze")),
        ("keep", "film", _("Keep picture")),
        ("mute", "mic", _("Mute")),
    ]
