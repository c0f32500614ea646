"""术前预检: what is there and what is missing before an expert guides from afar.

Computed anew at every reading and once more at the start, from the directory and the chart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jieli.cases.models import Case
from jieli.cases.queries.approval import is_approved
from jieli.chart.models import Consent
from jieli.directory.access import today, valid_on
from jieli.directory.models import Agreement, Practitioner, Privilege, Role, Technique
from jieli.guidance.models import GuidanceSession, LifeException, MdtPaper, PreCheck
from jieli.guidance.queries.content import precheck
from jieli.guidance.queries.link import measured
from jieli.guidance.queries.operation import operation_of
from jieli.rules import checklists, operations
from jieli.rules import guidance as rules
from jieli.rules.guidance import Held

State = tuple[str, str]  # yes, no, open or exception; and why in words


@dataclass(frozen=True, slots=True)
class Check:
    """One item as a reader sees it."""

    code: str
    name: str
    source: str
    state: str
    said: str
    blocks: bool  # nothing starts without it
    there: bool
    row: PreCheck | None

    @property
    def computed(self) -> bool:
        return self.code in rules.COMPUTED


class Look:
    """One session at one instant; every fact is read once."""

    def __init__(self, session: GuidanceSession, now: datetime) -> None:
        self.session, self.now = session, now
        self.case: Case = session.case
        self.day = today(now)

    # ── facts ────────────────────────────────────────────────────────────────

    @cached_property
    def techniques(self) -> list[Technique]:
        return list(self.session.techniques.order_by("pk"))

    @cached_property
    def level(self) -> int | None:
        return operations.level_of(technique.level for technique in self.techniques)

    @cached_property
    def approved(self) -> bool:
        return is_approved(precheck().version, self.case, self.now)

    @cached_property
    def answers(self) -> Mapping[str, PreCheck]:
        rows = self.session.checks.select_related("person", "by").order_by("pk")
        return {row.item: row for row in rows}

    @cached_property
    def exception(self) -> LifeException | None:
        rows = LifeException.objects.select_related("decider", "by", "filed_by")
        return rows.filter(session=self.session).first()

    @cached_property
    def mdt(self) -> MdtPaper | None:
        """The last one chosen whose document was not struck out."""
        rows = self.session.mdts.select_related("document", "by")
        return rows.filter(document__wrong_at=None).order_by("-pk").first()

    @cached_property
    def wanted(self) -> Mapping[int, int | None]:
        return {technique.pk: technique.level for technique in self.techniques}

    def names(self, techniques: list[int]) -> str:
        return "、".join(t.name for t in self.techniques if t.pk in techniques)

    def held(self, person: Practitioner, sites: list[int]) -> dict[int, list[Held]]:
        """Privileges of a person that hold today, by hospital."""
        rows = Privilege.objects.filter(
            valid_on(self.day),
            practitioner=person,
            organisation__in=sites,
            technique__in=self.techniques,
        )
        found: dict[int, list[Held]] = {site: [] for site in sites}
        for row in rows:
            found[row.organisation_id].append(Held(row.technique_id, row.level, row.entrustment))
        return found

    @cached_property
    def guide_sites(self) -> list[int]:
        """Where a privilege of the guide counts: at a hospital of theirs, or at this one."""
        roles = Role.objects.filter(valid_on(self.day), practitioner=self.session.guide)
        own = roles.values_list("organisation_id", flat=True).distinct()
        return [*own, self.session.organisation_id]

    @cached_property
    def privileged_at(self) -> list[int]:
        held = self.held(self.session.guide, self.guide_sites)
        return [
            site
            for site, rows in held.items()
            if not rules.unauthorised(self.wanted, rows, rules.GUIDE)
        ]

    # ── the items ────────────────────────────────────────────────────────────

    def privilege(self) -> State:
        if self.privileged_at:
            return rules.YES, self.session.guide.name
        rows = [
            row for held in self.held(self.session.guide, self.guide_sites).values() for row in held
        ]
        missing = rules.unauthorised(self.wanted, rows, rules.GUIDE) or list(self.wanted)
        return rules.NO, _("%(person)s holds no valid privilege for %(technique)s.") % {
            "person": self.session.guide.name,
            "technique": self.names(missing),
        }

    def agreement(self) -> State:
        """Of the hospital that guides; one that names specialties counts for those."""
        here = self.session.organisation_id
        sites = [s for s in self.privileged_at if s != here] or [
            s for s in self.guide_sites if s != here
        ]
        rows = Agreement.objects.filter(
            valid_on(self.day),
            from_organisation=here,
            to_organisation__in=sites,
            modes__contains=[Agreement.Mode.LIVE],
            signed=True,
        ).prefetch_related("specialties", "to_organisation")
        of = {t.specialty_id for t in self.techniques if t.specialty_id}
        for row in rows:
            named = {specialty.pk for specialty in row.specialties.all()}
            if not named or of <= named:
                return rules.YES, row.to_organisation.name
        return rules.NO, _("No valid agreement on live guidance.")

    def authority(self) -> State:
        here = self.session.organisation_id
        held = self.held(self.session.operator, [here])[here]
        missing = rules.unauthorised(self.wanted, held, rules.OPERATOR)
        if not missing:
            return rules.YES, self.session.operator.name
        return self._excepted(rules.NO) or (
            rules.NO,
            _("%(person)s has no authority here for %(technique)s at this level.")
            % {"person": self.session.operator.name, "technique": self.names(missing)},
        )

    def consent(self) -> State:
        rows = Consent.objects.filter(case_key=self.case.key).order_by("occurred_at", "pk")
        last = {row.kind: row for row in rows}
        refused = [row for row in last.values() if row.answer == Consent.Answer.REFUSED]
        if refused:
            return rules.NO, _("Refused by %(who)s.") % {"who": refused[0].given_by}
        kinds = (Consent.Kind.REMOTE_CONSULT, Consent.Kind.OPERATION)
        missing = [kind for kind in kinds if kind not in last]
        if not missing:
            return rules.YES, "、".join(dict.fromkeys(last[kind].given_by for kind in kinds))
        words = {
            Consent.Kind.REMOTE_CONSULT: _("consent to the remote consult"),
            Consent.Kind.OPERATION: _("consent to the operation"),
        }
        said = _("Not on record: %(what)s.") % {"what": "、".join(words[k] for k in missing)}
        return self._excepted(rules.OPEN) or (rules.OPEN, said)

    def mdt_document(self) -> State:
        if self.mdt:
            return rules.YES, f"{self.mdt.document.title} {self.mdt.signed_by}"
        return self._excepted(rules.OPEN) or (rules.OPEN, "")

    def time_out(self) -> State:
        """Of the operation at hand; one that came after the incision is none."""
        found = operation_of(self.session, self.now)
        row = found.gates.get(checklists.TIME_OUT)
        if row is None:
            return rules.OPEN, ""
        if found.procedure and row.occurred_at > found.procedure.started_at:
            return rules.NO, _("It was signed after the incision.")
        return rules.YES, ""

    def _excepted(self, state: str) -> State | None:
        held = self.exception
        if rules.excepted(state, exception=held is not None) != rules.EXCEPTION or held is None:
            return None
        said = _("life-saving exception, decided by %(person)s") % {"person": held.decider.name}
        return rules.EXCEPTION, said

    def link(self) -> State:
        """Measured, or declared by somebody who says why."""
        found, row = measured(self.case.key, self.now), self.answers.get("link")
        said = ""
        if found:
            said = _("%(minutes)s min, 95%% within %(ms)s ms, loss %(loss)s‰") % {
                "minutes": found.seconds // 60,
                "ms": found.p95_ms,
                "loss": found.loss,
            }
            if rules.link_suffices(found, precheck().link):
                return rules.YES, said
        if row and row.answer == rules.YES and row.person:
            declared = _("declared by %(person)s: %(why)s") % {
                "person": row.person.name,
                "why": row.text,
            }
            return rules.YES, f"{said} {declared}".strip()
        return (rules.NO if found or row else rules.OPEN), said

    def answered(self, item: str) -> State:
        row = self.answers.get(item)
        if row is None:
            return rules.OPEN, ""
        named = row.person.name if row.person else ""
        return row.answer, f"{named} {row.text}".strip()

    def state(self, item: str) -> State:
        found: Callable[[], State] | None = {
            "privilege": self.privilege,
            "agreement": self.agreement,
            "authority": self.authority,
            "consent": self.consent,
            "mdt": self.mdt_document,
            "time_out": self.time_out,
            "link": self.link,
        }.get(item)
        return found() if found else self.answered(item)

    def checks(self) -> list[Check]:
        language = get_language() or "zh"
        held = precheck()
        found = []
        for code in rules.asked(self.level):
            state, said = self.state(code)
            item = held.item(code)
            found.append(
                Check(
                    code,
                    item.say(language),
                    item.source,
                    state,
                    said,
                    rules.blocks(code, self.level, approved=self.approved),
                    rules.is_there(code, state),
                    self.answers.get(code),
                )
            )
        return found


def teaching_consent(case: Case) -> bool | None:
    """Whether what is recorded of this case may be used for teaching; None: nobody was asked.

    The last answer counts, whichever session it was given for.
    """
    row = (
        PreCheck.objects.filter(session__case=case, item="teaching").order_by("-at", "-pk").first()
    )
    return None if row is None else row.answer == rules.YES
