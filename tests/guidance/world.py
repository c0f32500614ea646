"""The alliance of the missions' tests with what guidance from afar needs, and its steps."""

from collections.abc import Iterable
from datetime import datetime

from jieli.cases import actions as cases
from jieli.cases.actions.chart import record_consent
from jieli.cases.models import Case
from jieli.chart.models import Document
from jieli.directory.models import Privilege
from jieli.guidance import actions
from jieli.guidance.actions import Plan, Report
from jieli.guidance.models import GuidanceSession
from jieli.missions import actions as missions
from jieli.missions.actions import Operation
from jieli.missions.queries.gates import asked
from jieli.rules import guidance as rules
from jieli.rules.checklists import Answer
from tests.cases.world import minutes
from tests.missions.world import Alliance

ANSWERS = {
    "stop": {},
    "telephone": {"text": "0998-5550126"},
    "responsible": {"person": "doctor"},
}
MORE = {  # asked by content: they stop nothing while it is a draft
    "link": {"person": "doctor", "text": "专线，昨日已测"},
    "dual_path": {},
    "introduced": {},
    "teaching": {"text": "父亲"},
}


def at(minute: float, second: float = 0) -> datetime:
    return minutes(minute + second / 60)


class Theatre(Alliance):
    """`doctor` of the county operates, `alice` of the hub guides."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.agreement.modes = ["consult", "live", "dispatch", "transfer"]
        self.agreement.save()
        Privilege.objects.filter(practitioner=self.alice).update(entrustment=5)
        Privilege.objects.create(
            practitioner=self.doctor, organisation=self.county, technique=self.technique,
            entrustment=3,
        )  # fmt: skip

    def level(self, level: int) -> None:
        self.technique.level = level
        self.technique.save()

    def consented(self, case: Case, minute: float = 9) -> None:
        for kind in ("remote_consult", "operation"):
            self.consent(case, minute, kind=kind)

    def consent(self, case: Case, minute: float, **said: object) -> None:
        given = {"answer": "given", "given_by": "父亲", "remotely": False, "interpreter": ""} | said
        record_consent(case, language="", **given, by=self.doctor, now=minutes(minute))

    def planned(self, case: Case, minute: float = 10, **more: object) -> GuidanceSession:
        given = {
            "name": "剖腹探查",
            "techniques": [self.technique],
            "operator": self.doctor,
            "guide": self.alice,
        } | more
        return actions.plan(case, Plan(**given), by=self.doctor, now=minutes(minute))

    def answered(
        self, session: GuidanceSession, minute: float = 11, skip: Iterable[str] = ()
    ) -> None:
        for item, said in (ANSWERS | MORE).items():
            if item in skip:
                continue
            given = dict(said)
            if "person" in given:
                given["person"] = self.people[given["person"]]
            actions.answer(session, item, "yes", **given, by=self.doctor, now=minutes(minute))

    def ready(self, case: Case | None = None, minute: float = 10) -> GuidanceSession:
        case = case or self.decided(minute - 10)
        self.consented(case, minute - 1)
        session = self.planned(case, minute)
        self.answered(session, minute + 1)
        return session

    def running(self, case: Case | None = None, minute: float = 20) -> GuidanceSession:
        """Started, the link up, the guide there."""
        session = self.ready(case, minute - 10)
        actions.attend(session, here=True, by=self.alice, now=minutes(minute))
        actions.start(session, by=self.doctor, now=minutes(minute))
        return self.up(session, minute)

    def up(self, session: GuidanceSession, minute: float, second: float = 0, **more: object):
        now = more.pop("now", at(minute, second))
        report = Report("up", at(minute, second), **more)
        return actions.report_link(session, report, by=self.doctor, now=now)

    def down(self, session: GuidanceSession, minute: float, second: float = 0):
        now = at(minute, second)
        return actions.report_link(session, Report("down", now), by=self.doctor, now=now)

    def kept_up(self, session: GuidanceSession, since: float, until: float) -> None:
        """The browser in the theatre, every half minute; runners look on."""
        second = since * 60
        while second <= until * 60:
            self.up(session, 0, second)
            actions.sweep(at(0, second))
            second += 30

    def incision(self, case: Case, minute: float, **more: object):
        given = {
            "name": "剖腹探查",
            "operator": self.doctor,
            "organisation": self.county,
            "techniques": [self.technique],
        } | more
        return missions.start_procedure(
            case, Operation(**given), by=self.doctor, now=minutes(minute)
        )

    def stitched(self, procedure, case: Case, minute: float):
        return missions.end_procedure(procedure, case, by=self.doctor, now=minutes(minute))

    def gate(self, case: Case, gate: str, minute: float):
        given = {item.code: Answer("yes") for item in asked(case, gate)}
        return missions.sign_gate(case, gate, given, by=self.doctor, now=minutes(minute))

    def document(self, case: Case, title: str = "术前讨论记录") -> Document:
        return Document.objects.create(
            patient=case.patient, case_key=case.key, kind="pdf", title=title,
            media_type="application/pdf", size=9, sha256="0" * 64, occurred_at=minutes(5),
            recorded_at=minutes(5), by=self.doctor,
        )  # fmt: skip


def status(session: GuidanceSession) -> str:
    return GuidanceSession.objects.values_list("status", flat=True).get(pk=session.pk)


__all__ = ["Theatre", "at", "cases", "minutes", "rules", "status"]
