"""What a sheet says in the reader's language. It is stored as codes with facts."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N  # noqa: N812 marks a msgid

from jieli.cases.queries.words import OPTIONS, word
from jieli.missions.models import Sheet
from jieli.missions.queries import words
from jieli.missions.queries.content import pathways
from jieli.rules.planner.explain import Sentence

BARS: Mapping[str, str] = {  # what the planner itself finds, and no generator has said in detail
    "C1": N("privilege, technique or agreement is not valid"),
    "C2": N("the local operator may not be guided, or the link has failed without a safe stop"),
    "C3": N("anaesthesia, intensive care, blood or equipment is missing"),
    "C4": N("too unstable to be moved, or an event on the way is too likely"),
    "C5": N("no suitable escort or vehicle"),
    "C6": N("fatigue, or the list at home cannot be covered"),
    "C7": N("consent or law"),
    "C8": N("practically no chance by the last window"),
}
CHANGES: Mapping[str, str] = {
    "would_lead": N("%(how)s it would be first"),
    "would_be_free": N("%(how)s it would be feasible"),
    "without": N("without %(code)s (%(words)s)"),
    "with_window": N("with a window of %(window)s"),
    "and": N("%(one)s and %(other)s"),
    "changed": N("%(what)s %(sign)s%(percent)s %%: %(option)s becomes first"),
    "changed_none": N("%(what)s %(sign)s%(percent)s %%: no option is feasible"),
}
# What may be said of an input by its kind; a kind that is not here is a number to be typed.
WAYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "departure": (
        ("full", N("full")),
        ("cancelled", N("cancelled")),
        ("+30", N("30 min late")),
        ("+60", N("1 h late")),
        ("+120", N("2 h late")),
        ("+240", N("4 h late")),
    ),
    "stability": (
        ("S0", N("S0, stable")),
        ("S1", N("S1, mostly stable")),
        ("S2", N("S2, unstable, can be moved with a team")),
        ("S3", N("S3, too unstable to be moved")),
    ),
    "link": (("passed", N("test passed")), ("failed", N("test failed"))),
    "sign": (("yes", N("present")), ("no", N("absent"))),
    "person": (
        ("unavailable", N("cannot come")),
        ("available", N("can come")),
        ("covered", N("covered at home")),
        ("awake:18", N("awake for 18 h")),
    ),
    "slot": (("taken", N("taken")), ("free", N("free"))),
    "vehicle": (("away", N("away")), ("free", N("free"))),
}
KNOBS: Mapping[str, str] = {
    "quality": N("success of the operator and the site"),
    "burden": N("burden"),
    "learning": N("what the site learns"),
    "load": N("load of the experts"),
    "release": N("earliest start"),
}


def minutes(value: float) -> str:
    """840 → 14 h; 885 → 14 h 45 min."""
    hours, rest = divmod(round(value), 60)
    if not hours:
        return _("%(n)s min") % {"n": rest}
    if not rest:
        return _("%(n)s h") % {"n": hours}
    return _("%(h)s h %(m)s min") % {"h": hours, "m": rest}


def percent(share: float) -> str:
    """Honest at both ends: what is not certain is not called 0 or 100."""
    if 0 < share < 0.001:
        return "<0.1"
    if 0.999 < share < 1:
        return ">99.9"
    return f"{share * 100:.1f}".rstrip("0").rstrip(".")


def title(words_of: Mapping[str, Any]) -> str:
    """The way, in the words of the decision form."""
    return word(OPTIONS, str(words_of["template"]))


def subtitle(words_of: Mapping[str, Any]) -> str:
    """Who, and from where to where."""
    people = "、".join(one["name"] for one in words_of.get("people", ()))
    start, end = words_of.get("start", ""), words_of.get("end", "")
    way = f"{start} → {end}" if start and end and start != end else start or end
    return " · ".join(part for part in (people, way) if part)


def short(words_of: Mapping[str, Any]) -> str:
    """One line that tells two options of one kind apart."""
    more = subtitle(words_of)
    return f"{title(words_of)} ({more})" if more else title(words_of)


def label(one: Mapping[str, Any], pathway: str = "") -> str:
    """The name of an input: its kind, and which one of it."""
    kind, _sign, rest = str(one["name"]).partition(":")
    which = str(one.get("label") or "")
    if kind == "prep":
        return str(words.LEGS.get(which, which))
    said = str(words.INPUTS.get(kind, kind))
    if kind == "resource":
        return f"{words.thing(rest.rpartition(':')[2])} · {which}"
    if kind in ("sign", "now-fit-event"):
        return f"{said}: {named(pathway, rest)}"
    return said if kind in ALONE else f"{said} {which}".strip()


WORST = "S3"
ALONE = ("stability", "link", "window", "release")  # there is one of each, whatever it is called


def named(pathway: str, code: str) -> str:
    """A danger sign or a competing event of a pathway, in the reader's language."""
    found = pathways().pathways.get(pathway)
    known = {one.code: one for one in (*found.signs, *found.events)} if found else {}
    return known[code].say(get_language() or "zh") if code in known else code


def reasons(
    words_of: Mapping[str, Any], codes: Iterable[str], stability: str = ""
) -> list[tuple[str, str]]:
    """Each filter that bars an option: its code, and why in words."""
    told = [(str(b["code"]), words.say(b["say"], b["facts"])) for b in words_of.get("barred", ())]
    known = {code for code, _why in told}
    found = {code: _(BARS[code]) for code in codes if code not in known}
    if "C4" in found and stability == WORST:
        found["C4"] = _("stability S3: moved by a retrieval team only")
    return told + list(found.items())


def shown(one: Mapping[str, Any]) -> str:
    """The value of an input, with its unit."""
    value = one["value"]
    text = str(words.VALUES.get(str(value), value))
    return minutes(float(value)) if one.get("unit") == "min" and _is_number(value) else text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or str(value).replace(".", "", 1).isdigit()


def source(one: Mapping[str, Any]) -> str:
    """Where an input comes from."""
    known = str(one.get("source", ""))
    return str(words.SOURCES.get(known, known))


def leg(one: Mapping[str, Any]) -> dict[str, Any]:
    """A leg with its name in words."""
    return {**one, "name": str(words.LEGS.get(str(one["name"]), one["name"]))}


def pruned(one: Mapping[str, Any]) -> str:
    """What was not computed, and why."""
    return words.say(str(one["say"]), one["facts"])


def why_not(sheet: Sheet, option: str) -> str:
    """Why another option was not taken: what bars it, or how it ranks."""
    answer = sheet.answer["options"][option]
    if answer["barred"]:
        grade = str(sheet.instance["case"].get("stability", ""))
        found = reasons(sheet.words[option], answer["barred"], grade)
        return "；".join(why for _code, why in found)
    place = sheet.answer["ranked"].index(option) + 1
    last = list(answer["p"])[-1]
    return _("ranked %(place)s: %(p)s %% within %(window)s") % {
        "place": place,
        "p": percent(answer["p"][last]),
        "window": minutes(float(last)),
    }


def sentence(given: Sentence, titles: Mapping[str, str]) -> str:
    """A sentence of the planner, with the names of its options."""
    said = CHANGES.get(given.code)
    if said is None:
        return str(given)
    facts: dict[str, str] = {}
    for name, fact in given.facts.items():
        if isinstance(fact, Sentence):
            facts[name] = sentence(fact, titles)
        elif name == "option":
            facts[name] = titles.get(fact, fact)
        elif name == "window":
            facts[name] = minutes(float(fact))
        elif name == "words":
            facts[name] = _(BARS[str(given.facts["code"])])
        elif name == "what":
            facts[name] = _(KNOBS[fact]) if fact in KNOBS else _place(fact)
        else:
            facts[name] = fact
    return _(said) % facts


def _place(what: str) -> str:
    """`time.add[1].lognormal[0] of dispatch-1`: which number it is, for people."""
    if "window" in what:
        return _("the window")
    if "event" in what:
        return _("the time until the event")
    if "transit" in what:
        return _("the time on the road")
    return _("a leg of the way")
