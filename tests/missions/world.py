"""The small alliance of the spine with what a mission needs: an agreement, privileges, places."""

from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from jieli.cases import actions as cases
from jieli.cases.actions import Advice, Choice
from jieli.cases.models import Case, Decision
from jieli.directory.models import Organisation, Practitioner, Privilege, Role, Technique
from jieli.missions import actions
from jieli.missions.actions import Crew, Journey, Stretch
from jieli.missions.models import Mission
from jieli.rules.refusal import Refused
from tests.cases.world import PASSWORD, World, minutes

LEGS = (
    Stretch("prepare", "备齐", 60, sigma=0.25),
    Stretch("road", "到机场", 60, sigma=0.2),
    Stretch("flight", "飞", 120, departs=minutes(200), sigma=0.1),
    Stretch("road", "到院", 45, sigma=0.2),
)


def refused(part: str) -> AbstractContextManager[pytest.ExceptionInfo[Refused]]:
    return pytest.raises(Refused, match=part)


class Alliance(World):
    """`county` may ask `hub` for teams and transfers; `city` is another destination."""

    city: Organisation

    def __post_init__(self) -> None:
        super().__post_init__()
        self.agreement.modes = ["consult", "dispatch", "transfer"]
        self.agreement.emergency_privilege_hours = 72
        self.agreement.save()
        self.city = self.site("city", "临江市医院", "city")
        self.person("city_doctor", self.city, Role.Kind.DOCTOR)
        self.person("city_officer", self.city, Role.Kind.DUTY_OFFICER)
        self.person("hub_doctor", self.hub, Role.Kind.DOCTOR)
        self.technique = Technique.objects.create(code="PGS-1", name="新生儿剖腹探查")
        self.privilege(self.alice)
        self.expert("dora")  # at the hub, not on duty

    def privilege(self, person: Practitioner, site: Organisation | None = None) -> None:
        Privilege.objects.create(
            practitioner=person, organisation=site or self.hub, technique=self.technique
        )

    def decided(self, now: float = 0) -> Case:
        """A case in which the treating side has signed that a team comes."""
        request = self.raised("U1", minutes(now))
        cases.accept(request, by=self.alice, now=minutes(now + 1))
        opinion = cases.sign_opinion(
            request, Advice("confirmed", "肠闭锁"), by=self.alice, secret=PASSWORD,
            now=minutes(now + 5),
        )  # fmt: skip
        cases.acknowledge(opinion, by=self.doctor, now=minutes(now + 6))
        cases.sign_decision(
            request.case, Choice("DISPATCH", "派队"), opinion=opinion, by=self.doctor,
            secret=PASSWORD, now=minutes(now + 8),
        )  # fmt: skip
        return request.case

    def decision(self, case: Case) -> Decision:
        return case.decisions.get()

    def planned(self, case: Case, now: float = 10, *crew: Practitioner, **more) -> Mission:
        people = crew or (self.alice, self.bob)
        parts = ("operator", "anaesthetist", "nurse")
        given = {"start": self.hub, "legs": LEGS, "kit": ("器械包", "保温毯")} | more
        return actions.plan_dispatch(
            case,
            self.decision(case),
            crew=[Crew(p, part) for p, part in zip(people, parts, strict=False)],
            by=self.doctor,
            now=minutes(now),
            **given,
        )

    def approved(self, case: Case, now: float = 10) -> Mission:
        mission = self.planned(case, now)
        actions.approve(mission, side="home", by=self.officer, now=minutes(now + 2))
        return actions.approve(mission, side="host", by=self.county_officer, now=minutes(now + 3))

    def away(self, case: Case, now: float = 10) -> Mission:
        return actions.depart(self.approved(case, now), by=self.alice, now=minutes(now + 60))

    def transfer(self, case: Case, now: float = 10, **more) -> Mission:
        given = {"stability": "S1", "start": self.county, "end": self.hub} | more
        return actions.plan_transfer(case, Journey(**given), by=self.doctor, now=minutes(now))


def later(hours: float):
    return minutes(0) + timedelta(hours=hours)
