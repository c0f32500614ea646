"""What a patient's own copy holds: their record in words, in Chinese, and nothing of others.

In it: who they are, what was asked and when, the situation, values, files by title, consents,
signed opinions and decisions with their addenda, outcomes. What was entered in error is struck out.
Not in it: telephone numbers, also those typed in a text; who was rung and did not come, and why;
the talk between doctors; clocks and their reasons; who read the case.
"""

from typing import Any

import orjson
import typst
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from jieli.cases.models import Case, PatientCopy
from jieli.cases.queries import words
from jieli.cases.queries.export import FONTS, HERE, both_zones, how_signed, note_of, standing
from jieli.cases.queries.pages import measured, sbar
from jieli.cases.queries.words import word
from jieli.chart.models import Document, Identifier
from jieli.chart.queries import consents_of, documents_of
from jieli.rules.telephones import without_telephones

OWN_NUMBERS = (Identifier.Kind.NATIONAL, Identifier.Kind.HOSPITAL, Identifier.Kind.INSURANCE)
Section = dict[str, Any]  # title; rows of cells, or signed texts


def cases_of(copy: PatientCopy) -> QuerySet[Case]:
    """All of this patient at this hospital, the oldest first."""
    alike = Case.objects.filter(patient=copy.patient, organisation=copy.organisation)
    return alike.select_related("patient", "organisation", "in_charge").order_by("opened_at")


def as_pdf(copy: PatientCopy) -> bytes:
    """On paper, for the family."""
    content = orjson.dumps(paper(copy)).decode()
    return typst.compile(
        str(HERE / "templates" / "cases" / "copy.typ"),
        font_paths=[str(FONTS)],
        sys_inputs={"copy": content},
    )


def paper(copy: PatientCopy) -> dict[str, Any]:
    """The same for paper and for another system: always Chinese, whoever makes it."""
    with translation.override("zh-hans"):
        return {
            "title": _("Copy of the medical record, for the patient"),
            "labels": {"page": _("Page"), "made": _("Made")},
            "facts": _who(copy),
            "made": both_zones(copy.at),
            "cases": [_case(case) for case in cases_of(copy)],
            "note": _(
                "Telephone numbers are left out. Lines struck through were entered in error or no "
                "longer stand; they are kept because nothing is deleted from a record. Pictures "
                "and reports can be asked for at the records office."
            ),
        }


def _who(copy: PatientCopy) -> list[list[str]]:
    patient = copy.patient
    numbers = [
        [word(words.NUMBERS, i.kind), i.value]
        for i in patient.identifiers.order_by("id")
        if i.kind in OWN_NUMBERS
    ]
    rows = [
        [_("Patient"), patient.name],
        [_("Sex"), word(words.SEXES, patient.sex)],
        [_("Age"), patient.age_text],
        *numbers,
        [_("Hospital"), copy.organisation.name],
        [_("Given to"), f"{copy.given_to} ({word(words.RELATIONS, copy.relation)})"],
        [_("Made by"), copy.by.name],
    ]
    return [[label, text] for label, text in rows if text]


def _case(case: Case) -> dict[str, Any]:
    parts = [
        _rows(_("Course"), _course(case)),
        _rows(_("Situation"), _situation(case)),
        _rows(_("Values"), _values(case)),
        _rows(_("Images and results"), _files(case)),
        _rows(_("Consent"), _consents(case)),
        {"title": _("Expert opinion"), "signed": _opinions(case)},
        {"title": _("Decision of the treating hospital"), "signed": _decisions(case)},
        _rows(_("Outcome"), _outcomes(case)),
    ]
    return {
        "title": _typed(case.problem),
        "number": case.number,
        "sections": [part for part in parts if part.get("rows") or part.get("signed")],
    }


def _rows(title: str, rows: list[list[Any]]) -> Section:
    return {"title": title, "rows": [[*map(_typed, row[:-1]), row[-1]] for row in rows]}


def _typed(text: str) -> str:
    return without_telephones(text)


def _course(case: Case) -> list[list[Any]]:
    urgency = f"{case.urgency} {word(words.URGENCY, case.urgency)}"
    rows = [[both_zones(case.opened_at), _("Opened"), f"{urgency} · {case.in_charge.name}", False]]
    for request in case.requests.select_related("specialty", "accepted_by").order_by("id"):
        asked = str(request.specialty)
        rows.append([both_zones(request.raised_at), _("An expert was asked"), asked, False])
        if request.accepted_by and request.accepted_at:
            who = f"{request.accepted_by.name} {request.accepted_by.title}".strip()
            rows.append([both_zones(request.accepted_at), _("The expert accepted"), who, False])
    if case.closed_at:
        rows.append([both_zones(case.closed_at), _("Closed"), case.closed_reason, False])
    return rows


def _situation(case: Case) -> list[list[Any]]:
    """The version that stands; fields in words."""
    latest = case.handovers.filter(wrong_at=None).first()
    parts = sbar(latest).values() if latest else []
    return [[word(words.ISBAR, name), text, False] for part in parts for name, text in part]


def _values(case: Case) -> list[list[Any]]:
    return [
        [
            both_zones(value.row.occurred_at),
            value.label,
            f"{value.shown} {value.unit}".strip(),
            value.row.wrong_at is not None,
        ]
        for value in reversed(measured(case))
    ]


def _files(case: Case) -> list[list[Any]]:
    return [
        [both_zones(d.occurred_at), d.title, word(words.FILES, d.kind), d.wrong_at is not None]
        for d in documents_of(case.key)
    ]


def _consents(case: Case) -> list[list[Any]]:
    return [
        [
            both_zones(c.occurred_at),
            f"{word(words.CONSENTS, c.kind)}: {word(words.CONSENT_ANSWERS, c.answer)}",
            f"{c.given_by} {_('interpreter')} {c.interpreter}" if c.interpreter else c.given_by,
            False,
        ]
        for c in consents_of(case.key)
    ]


def _opinions(case: Case) -> list[dict[str, Any]]:
    return [
        _signed(
            o,
            word(words.INDICATIONS, o.indication),
            [
                o.assessment,
                o.recommendation,
                *(f"{w.what}：{w.limit}" for w in o.watches.all()),
                o.by_when,
            ],
        )
        for o in standing(case.opinions.prefetch_related("watches"), anew=False)
    ]


def _decisions(case: Case) -> list[dict[str, Any]]:
    return [
        _signed(
            d,
            word(words.OPTIONS, d.chosen),
            [
                d.text,
                d.reason,
                *(f"{word(words.OPTIONS, a.option)}：{a.why_not}" for a in d.alternatives.all()),
            ],
        )
        for d in standing(case.decisions.prefetch_related("alternatives"), anew=True)
    ]


def _signed(signed: Any, head: str, parts: list[str]) -> dict[str, Any]:
    note = note_of(signed)
    return {
        "note": _typed(note["note"]),
        "struck": note["struck"],
        "head": head,
        "parts": [_typed(part) for part in parts if part],
        "signer": f"{signed.author.name} {signed.author.title}".strip(),
        "at": both_zones(signed.signed_at),
        "kind": how_signed(signed.signature),
    }


def _outcomes(case: Case) -> list[list[Any]]:
    return [
        [both_zones(o.occurred_at), _("Day %(day)s") % {"day": o.day},
         f"{word(words.OUTCOMES, o.state)} {o.note}".strip(), False]
        for o in case.outcomes.all()
    ]  # fmt: skip


# ── the page on which it is made ─────────────────────────────────────────────


def contents(case: Case) -> dict[str, Any]:
    """What the copy of this patient would hold, to look at before it is made."""
    cases = list(
        Case.objects.filter(patient=case.patient, organisation=case.organisation).order_by(
            "opened_at"
        )
    )
    files = Document.objects.filter(case_key__in=[one.key for one in cases], wrong_at=None)
    before = PatientCopy.objects.filter(patient=case.patient, organisation=case.organisation)
    return {
        "cases": cases,
        "files": files.count(),
        "before": before.select_related("by").order_by("-at")[:20],
    }
