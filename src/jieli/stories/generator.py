"""An alliance of any size from a seed: hospitals, people and cases with true chains, by COPY.

For benches and for trying the product on real volumes. Every row is what the actions would have
written; only the way in is short. The same seed and the same `now` give the same data, sealed
numbers apart: a number looks different each time that it is sealed.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jieli.keys import seals
from jieli.rules import chain as chains
from jieli.rules import clocks as clock_rules
from jieli.stories.bulk import COLUMNS, Row, Tables

CHUNK = 2_000  # cases of one transaction
ROOM = 16  # ids that one case has to itself in each table
YEARS = 3
SPECIALTIES_OF_HUB = 12
OPEN_STAGES = 4  # ringing, accepted, advised, read
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "安宁清和明远思齐景行知微若水怀瑾子衿文博雨桐嘉树云舒海川月白书言"
PROBLEMS = (
    "胸痛 2 小时，ST 段抬高", "突发左侧肢体无力", "产后出血，宫缩乏力", "多发伤，血压不稳",
    "新生儿呼吸窘迫", "急性腹痛，腹膜刺激征", "有机磷中毒", "重症肺炎，氧合下降",
    "上消化道大出血", "高热惊厥，意识不清", "骨盆骨折，失血", "急性肾损伤，少尿",
)  # fmt: skip
URGENCIES = ("U1", "U1", "U1", "U2", "U2", "U2", "U3", "U3", "U3", "U0")


@dataclass(frozen=True)
class Size:
    hospitals: int = 3_000
    practitioners: int = 100_000
    cases: int = 1_000_000
    open_cases: int = 2_000
    clocks: int = 0  # further armed clocks, on the open cases
    due_in: int = 60  # seconds until the first of them is due
    due_per_second: int = 500  # for one minute; the rest within thirty days
    seed: int = 7


@dataclass(frozen=True)
class Plan:
    """Where every id begins, and who is where: all that a worker needs."""

    size: Size
    now: datetime
    base: dict[str, int]  # table -> first free id
    specialties: tuple[int, ...]
    hubs: tuple[Hub, ...]
    counties: tuple[County, ...]


@dataclass(frozen=True)
class Hub:
    organisation: int
    alliance: int
    experts: tuple[tuple[int, tuple[int, ...]], ...]  # specialty -> people
    officer: int


@dataclass(frozen=True)
class County:
    organisation: int
    alliance: int
    hub: int  # place in Plan.hubs
    doctors: tuple[int, ...]


def _uuid(dice: random.Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


def _name(dice: random.Random) -> str:
    return dice.choice(SURNAMES) + "".join(dice.sample(GIVEN, 2))


# -- hospitals and people --------------------------------------------------------------------------


def directory(plan: Plan, password: str) -> tuple[Tables, Plan]:
    """Alliances of about thirty hospitals around one hub; people at all of them."""
    size, base = plan.size, plan.base
    dice = random.Random(size.seed)  # noqa: S311 - invented data
    alliances = max(size.hospitals // 30, 1)
    rows: Tables = {table: [] for table in COLUMNS if table.startswith("directory_")}
    people = _People(rows, plan, dice, password)
    hubs, counties = [], []
    for n in range(alliances):
        code = f"gen{size.seed}-a{n}"
        alliance = base["directory_alliance"] + n
        rows["directory_alliance"].append(
            (alliance, code, f"合成医联体 {n + 1}", "000-555 0100", plan.now)
        )
    each = max(size.practitioners // max(size.hospitals, 1), 1)
    for n in range(size.hospitals):
        alliance = base["directory_alliance"] + n % alliances
        is_hub = n < alliances
        organisation = people.hospital(n, alliance, is_hub)
        if is_hub:
            hubs.append(people.hub(organisation, alliance, each * 4))
        else:
            place = n % alliances
            doctors = people.doctors(organisation, _county_staff(size, alliances))
            counties.append(County(organisation, alliance, place, doctors))
            people.agreement(alliance, organisation, hubs[place].organisation)
    if not counties:  # a very small alliance asks itself nothing
        raise ValueError("At least two hospitals are needed: --hospitals 2")
    found = Plan(size, plan.now, base, plan.specialties, tuple(hubs), tuple(counties))
    return {table: lines for table, lines in rows.items() if lines}, found


def _county_staff(size: Size, alliances: int) -> int:
    """What is left of the people after the hubs, shared by the other hospitals."""
    each = max(size.practitioners // max(size.hospitals, 1), 1)
    left = size.practitioners - alliances * each * 4
    return max(left // max(size.hospitals - alliances, 1), 1)


class _People:
    """Numbers rows as they come; holds the lists that COPY will take."""

    def __init__(self, rows: Tables, plan: Plan, dice: random.Random, password: str) -> None:
        self.rows, self.plan, self.dice, self.password = rows, plan, dice, password

    def add(self, table: str, *values: Any) -> int:
        number = self.plan.base[table] + len(self.rows[table])
        self.rows[table].append((number, *values))
        return number

    def hospital(self, n: int, alliance: int, is_hub: bool) -> int:
        dice = self.dice
        name = f"合成{'中心' if is_hub else '县'}医院 {n + 1}"
        organisation = self.add(
            "directory_organisation",
            f"gen{self.plan.size.seed}-h{n}",
            name,
            f"Synthetic hospital {n + 1}",
            f"he cheng {n + 1:06d}",
            "city" if is_hub else dice.choice(("county", "county", "township")),
            "",
            round(dice.uniform(36, 48), 4),
            round(dice.uniform(75, 95), 4),
            "Asia/Shanghai" if is_hub else "Asia/Urumqi",
            f"0990-{n:07d}",
        )
        self.add("directory_membership", alliance, organisation)
        return organisation

    def department(self, organisation: int, place: int) -> tuple[int, int]:
        specialty = self.plan.specialties[place % len(self.plan.specialties)]
        department = self.add("directory_department", organisation, f"科室 {place + 1}", "")
        self.add("directory_department_specialties", department, specialty)
        return department, specialty

    def person(
        self, organisation: int, department: int | None, specialty: int | None, kinds: list[str]
    ) -> int:
        dice, name = self.dice, _name(self.dice)
        number = f"G{self.plan.size.seed}-{len(self.rows['directory_practitioner']):07d}"
        account = self.add("directory_account", number, self.password, True)
        answered = dice.randrange(40)
        person = self.add(
            "directory_practitioner", _uuid(dice), account, number, name, "", name, "", "",
            "{zh}", "2012-07-01", answered, answered * dice.randrange(8, 60),
        )  # fmt: skip
        for kind in kinds:
            self.add("directory_role", person, organisation, department, specialty, kind)
        self.rows["directory_presence"].append((person, "free", self.plan.now))
        return person

    def hub(self, organisation: int, alliance: int, staff: int) -> Hub:
        now = self.plan.now
        experts: list[tuple[int, tuple[int, ...]]] = []
        officer = self.person(organisation, None, None, ["duty_officer"])
        self.person(organisation, None, None, ["director"])
        self.person(organisation, None, None, ["coordinator"])
        each = max((staff - 3) // SPECIALTIES_OF_HUB, 4)
        for place in range(SPECIALTIES_OF_HUB):
            department, specialty = self.department(organisation, place)
            group = [
                self.person(organisation, department, specialty, ["expert", "doctor"])
                for _ in range(each)
            ]
            for nth, person in enumerate(group[:4]):
                line = "first" if nth < 3 else "second"
                self.turn(organisation, specialty, line, person)
                self.channels(person, now)
            experts.append((specialty, tuple(group)))
        self.turn(organisation, None, "officer", officer)
        return Hub(organisation, alliance, tuple(experts), officer)

    def turn(self, organisation: int, specialty: int | None, line: str, person: int) -> None:
        first = self.plan.now - timedelta(days=1)
        period = f'["{first.isoformat()}","{(first + timedelta(days=15)).isoformat()}")'
        self.add("directory_duty", organisation, specialty, line, person, period, "")

    def channels(self, person: int, now: datetime) -> None:
        self.add("directory_channel", person, "in_app", "", False, 1, now, "")
        number = seals.seal(f"139{person:08d}", "directory_channel.address")
        self.add("directory_channel", person, "gateway", number, True, 2, now, "")

    def doctors(self, organisation: int, staff: int) -> tuple[int, ...]:
        department, specialty = self.department(organisation, self.dice.randrange(12))
        self.person(organisation, None, None, ["coordinator"])
        return tuple(
            self.person(organisation, department, specialty, ["doctor"]) for _ in range(staff)
        )

    def agreement(self, alliance: int, asking: int, answering: int) -> None:
        self.add(
            "directory_agreement", alliance, asking, answering, "医联体",
            "{consult,live,transfer}", 0, True,
        )  # fmt: skip


# -- cases -----------------------------------------------------------------------------------------


def chunks(size: Size) -> Iterator[range]:
    for first in range(0, size.cases, CHUNK):
        yield range(first, min(first + CHUNK, size.cases))


def case_rows(plan: Plan, numbers: range) -> Tables:
    dice = random.Random(plan.size.seed * 1_000_003 + numbers.start)  # noqa: S311 - invented data
    rows: Tables = {
        table: []
        for table in COLUMNS
        if table.startswith(("record_", "chart_", "cases_")) or table == "directory_grant"
    }
    for n in numbers:
        _Case(plan, rows, dice, n).write()
    return rows


class _Case:
    """One case: raised, rung, accepted, advised, read, decided, closed; or open on the way."""

    def __init__(self, plan: Plan, rows: Tables, dice: random.Random, n: int) -> None:
        self.plan, self.rows, self.dice, self.n = plan, rows, dice, n
        self.county = dice.choice(plan.counties)
        self.hub = plan.hubs[self.county.hub]
        self.specialty, group = dice.choice(self.hub.experts)
        self.expert = dice.choice(group)
        self.doctor = dice.choice(self.county.doctors)
        self.urgency = dice.choice(URGENCIES)
        last = plan.size.cases - plan.size.open_cases
        self.stage = OPEN_STAGES if n < last else n % OPEN_STAGES
        self.raised = self._raised(n < last)
        self.chain = plan.base["record_chain"] + n
        self.case = plan.base["cases_case"] + n
        self.request = plan.base["cases_request"] + n
        self.patient = plan.base["chart_patient"] + n
        self.key, self.patient_key, self.request_key = _uuid(dice), _uuid(dice), _uuid(dice)
        self.head, self.seq = b"", 0
        self.used: dict[str, int] = {}

    def _raised(self, closed: bool) -> datetime:
        if not closed:
            return self.plan.now - timedelta(seconds=self.dice.randrange(20, 3_000))
        days = YEARS * 365 * (self.n + self.dice.random()) / max(self.plan.size.cases, 1)
        return self.plan.now - timedelta(days=YEARS * 365 + 2) + timedelta(days=days)

    def id(self, table: str) -> int:
        """Every case has ROOM ids of its own, so that workers need not talk to each other."""
        used = self.used.get(table, 0)
        self.used[table] = used + 1
        return self.plan.base[table] + self.n * ROOM + used

    def at(self, low: float, high: float) -> timedelta:
        return timedelta(seconds=int(self.dice.uniform(low, high)))

    def event(
        self, verb: str, actor: int | None, at: datetime, source: str = "screen", **data: Any
    ) -> None:
        self.seq += 1
        fields = {
            "seq": self.seq, "verb": verb, "actor": actor, "data": data, "source": source,
            "occurred_at": at, "recorded_at": at,
        }  # fmt: skip
        self.head = chains.link(self.head, fields)
        self.rows["record_event"].append(
            (self.id("record_event"), self.chain, self.seq, verb, actor, data, source, at, at,
             self.head)
        )  # fmt: skip

    def write(self) -> None:
        accepted = self.raised + self.at(5, 400)
        live = accepted + self.at(60, 900)
        signed = live + self.at(300, 2_400)
        read = signed + self.at(60, 900)
        decided = read + self.at(120, 1_800)
        closed = decided + self.at(3_600, 90_000)
        self.open(closed)
        if self.stage >= 1:
            self.accept(accepted, live)
        if self.stage >= 2:
            self.advise(signed, read if self.stage >= 3 else None)
        if self.stage >= OPEN_STAGES:
            self.decide(decided, closed)
        self.clocks(accepted, live, signed, read, decided)
        self.rows["record_chain"].append((self.chain, self.key, self.seq, self.head))

    def open(self, closed: datetime) -> None:
        done, problem = self.stage >= OPEN_STAGES, self.dice.choice(PROBLEMS)
        number = f"JLG{self.plan.size.seed}-{self.n:08d}"
        self.rows["chart_patient"].append(
            (self.patient, self.patient_key, _name(self.dice), False,
             self.dice.choice(("male", "female")), f"{self.dice.randrange(1, 90)} 岁", "zh",
             self.county.organisation)
        )  # fmt: skip
        for kind in ("hospital_number", "national_id"):
            value = f"{self.dice.randrange(10**11):011d}"
            self.rows["chart_identifier"].append(
                (self.id("chart_identifier"), self.patient, kind,
                 seals.seal(value, "chart_identifier.value"), seals.mark(kind, value))
            )  # fmt: skip
        limit = None if done else clock_rules.start("opinion", self.urgency, self.raised).target
        self.rows["cases_case"].append(
            (self.case, self.key, number, self.chain, self.county.alliance,
             self.county.organisation, self.patient, problem, self.urgency, self.raised,
             "closed" if done else "open", self.raised, self.doctor, self.doctor,
             closed if done else None, "会诊结束" if done else "", limit)
        )  # fmt: skip
        self.event("case_opened", self.doctor, self.raised, number=number)
        self.event(
            "request_raised", self.doctor, self.raised, specialty=str(self.specialty),
            urgency=self.urgency, request=self.request_key, exception="",
        )  # fmt: skip
        self.event(
            "ring_started", None, self.raised, person=str(self.expert), line="expert", round=1
        )
        self.rows["cases_candidate"].append(
            (self.id("cases_candidate"), self.request, self.expert, self.hub.organisation,
             "expert", 1, 60, "")
        )  # fmt: skip
        self.grant(None, self.county.organisation, "treating", None)
        self.grant(self.expert, None, "rung", closed + timedelta(days=3) if done else None)

    def accept(self, accepted: datetime, live: datetime) -> None:
        self.event("request_accepted", self.expert, accepted, line="expert", seconds=1)
        self.event("contact_made", self.expert, live, person=str(self.expert), channel="video")
        self.rows["cases_contact"].append(
            (self.id("cases_contact"), self.request, self.expert, "video", False, "", live, live,
             self.expert)
        )  # fmt: skip

    def advise(self, signed: datetime, read: datetime | None) -> None:
        signature = self.sign(self.expert, signed, "有手术指征，建议尽快处理。")
        self.opinion = self.plan.base["cases_opinion"] + self.n
        self.rows["cases_opinion"].append(
            (self.opinion, _uuid(self.dice), self.case, self.request, 1, self.expert, "confirmed",
             "有手术指征，建议尽快处理。", "按急诊流程", "", "", signature, signed, read,
             self.doctor if read else None, "")
        )  # fmt: skip
        self.event("opinion_signed", self.expert, signed, version=1, indication="confirmed")
        if read:
            self.event("opinion_acknowledged", self.doctor, read, version=1, text="")

    def decide(self, decided: datetime, closed: datetime) -> None:
        chosen = self.dice.choice(("LOCAL", "LOCAL", "TRANSFER", "LIVE", "OBSERVE"))
        signature = self.sign(self.doctor, decided, f"决定：{chosen}")
        self.rows["cases_decision"].append(
            (self.plan.base["cases_decision"] + self.n, _uuid(self.dice), self.case, self.opinion,
             1, self.doctor, chosen, f"决定：{chosen}", "", signature, decided)
        )  # fmt: skip
        self.event("decision_signed", self.doctor, decided, version=1, chosen=chosen)
        self.event("case_closed", self.doctor, closed, reason="会诊结束")

    def sign(self, person: int, at: datetime, text: str) -> int:
        number = self.id("record_signature")
        content = json.dumps({"case": self.case, "text": text}, ensure_ascii=False)
        digest = hashlib.sha256(content.encode()).digest()
        self.rows["record_signature"].append(
            (
                number,
                _uuid(self.dice),
                person,
                "password",
                digest,
                content.replace("\\", "\\\\"),
                at,
            )
        )
        return number

    def grant(self, person: int | None, site: int | None, why: str, until: datetime | None) -> None:
        self.rows["directory_grant"].append(
            (self.id("directory_grant"), self.key, self.patient_key, person, site, why,
             self.raised, until)
        )  # fmt: skip

    def clocks(
        self,
        accepted: datetime,
        live: datetime,
        signed: datetime,
        read: datetime,
        decided: datetime,
    ) -> None:
        status = ("requested", "in-progress", "completed", "completed", "completed")[self.stage]
        taken = self.stage >= 1
        self.rows["cases_request"].append(
            (self.request, self.request_key, self.case, self.specialty, self.urgency, status,
             seals.seal("0990-5550000", "cases_request.callback"), self.raised, self.doctor, "",
             self.expert if taken else None,
             accepted if taken else None, 1, 0, None)
        )  # fmt: skip
        self.rows["cases_ring"].append(
            (self.id("cases_ring"), _uuid(self.dice), self.request, self.expert, "expert", 1,
             False, self.raised, self.raised + timedelta(seconds=20),
             "accepted" if taken else "", accepted if taken else None, "")
        )  # fmt: skip
        ends = [
            ("accept", self.raised, accepted, 1),
            ("expert_live", self.raised, live, 1),
            ("opinion", self.raised, signed, 2),
            ("read_and_understood", signed, read, 3),
            ("decision", read, decided, 4),
        ]
        for name, start, stop, stage in ends:
            started = self.stage >= {"read_and_understood": 2, "decision": 3}.get(name, 0)
            if started and name in clock_rules.LIMITS[self.urgency]:
                self.clock(name, start, stop if self.stage >= stage else None)

    def clock(self, name: str, start: datetime, stop: datetime | None) -> None:
        rule = clock_rules.start(name, self.urgency, start)
        passed = [stage for stage, at in clock_rules.stage_times(rule) if stop and at < stop]
        self.rows["cases_clock"].append(
            (self.id("cases_clock"), self.case, self.request, name, None, start, rule.target,
             rule.hard, stop, self.expert if stop else None, passed[-1] if passed else "", "{}",
             None if stop else clock_rules.next_due(rule), "", "", 0)
        )  # fmt: skip


# -- armed clocks ----------------------------------------------------------------------------------


def armed_clocks(plan: Plan) -> Iterator[list[Row]]:
    """Clocks that will fire: so many a second for a minute, the rest within thirty days."""
    size = plan.size
    dice = random.Random(size.seed + 1)  # noqa: S311 - invented data
    open_cases = max(min(size.open_cases, size.cases), 1)
    first_open = size.cases - open_cases
    base = plan.base["cases_clock"] + size.cases * ROOM
    soon = size.due_per_second * 60
    batch: list[Row] = []
    for n in range(size.clocks):
        seconds = n / size.due_per_second if n < soon else dice.uniform(3_600, 30 * 86_400)
        due = plan.now + timedelta(seconds=size.due_in + seconds)
        place = first_open + n % open_cases
        batch.append(
            (base + n, plan.base["cases_case"] + place, plan.base["cases_request"] + place,
             "opinion", _uuid(dice), due - timedelta(minutes=60), due, None, None, None,
             "second", "{}", due, "", "", 0)
        )  # fmt: skip
        if len(batch) == 20_000:
            yield batch
            batch = []
    if batch:
        yield batch


def utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
