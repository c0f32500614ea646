"""One decision sheet over the generated network: facts, options, ranks, and planning anew."""

from __future__ import annotations

import argparse
import gc
import random
import time
from datetime import UTC, datetime
from datetime import time as clock
from typing import Any

from bench.data import Place
from bench.report import Report, percentile, spread
from jieli.cases.models import Case
from jieli.directory.models import Agreement, Capability, Organisation, Privilege, Role, Technique
from jieli.missions.models import Departure, Hub, Resource, Road, Sheet, Vehicle
from jieli.missions.queries.generator import Draft, generate
from jieli.missions.queries.joint import offers
from jieli.rules.planner import Plan, instance, plan
from jieli.rules.planner.answers import as_json
from jieli.rules.planner.sharing import share

OPERATION, ANAESTHESIA = "PGS-LAP-NEO", "ANES-NEO"
HUBS, LINES_A_HUB = 60, 80
ABLE_EVERY = 10  # one hospital in so many does the operation
CASES, ROUNDS = 20, 100
TOGETHER, JOINT_ROUNDS = 10, 10


def measure(place: Place, report: Report, options: argparse.Namespace) -> None:
    dice = random.Random(options.seed)
    cases = furnish(dice)
    now = datetime.now(UTC)
    for case in cases:  # warm: connections, content, code
        sheet(case, now, {})
    gc.freeze()  # as a web worker does, see web/wsgi
    gc.set_threshold(10_000, 20, 20)
    whole, maths, again = [], [], []
    for n in range(ROUNDS):
        case = cases[n % len(cases)]
        draft, found, took, thought = sheet(case, now, {})
        whole.append(took + thought)
        maths.append(thought)
        again.append(replanned(case, now, draft, found))
    made = [len(sheet(case, now, {})[0].instance["options"]) for case in cases]
    report.fact("options of a sheet", f"{min(made)} to {max(made)}")
    for what, rounds, limit in (
        ("generate and rank, p95", whole, 300),
        ("of which mathematics, p95", maths, 50),
        ("plan anew, p95", again, 150),
    ):
        report.at_most(what, percentile(rounds, 0.95), limit, "ms", f" ({spread(rounds)})")
    jointly = [together(cases[:TOGETHER], now) for _ in range(JOINT_ROUNDS)]
    report.at_most(
        f"{TOGETHER} cases compared and shared", percentile(jointly, 0.95), 1000, "ms",
        f" ({spread(jointly)})",
    )  # fmt: skip


def sheet(case: Case, now: datetime, said: dict[str, str]) -> tuple[Draft, Plan, float, float]:
    """The draft, its plan, and the milliseconds of both. `said`: corrections."""
    began = time.perf_counter()
    draft = generate(case, now, said)
    assert draft is not None
    made = time.perf_counter()
    found = plan(instance(draft.instance))
    return draft, found, (made - began) * 1000, (time.perf_counter() - made) * 1000


def together(cases: list[Case], now: datetime) -> float:
    """Milliseconds from the facts of all these cases to who gets what."""
    began = time.perf_counter()
    made = {}
    for case in cases:
        draft, found, _took, _thought = sheet(case, now, {})
        made[str(case.key)] = offers(Sheet(answer=as_json(found), words=draft.words))
    share(made)
    return (time.perf_counter() - began) * 1000


def replanned(case: Case, now: datetime, before: Draft, known: Plan) -> float:
    """The first departure is full: facts again, and only what changed is computed."""
    full = next((i["name"] for i in before.inputs if i["name"].startswith("departure:")), None)
    began = time.perf_counter()
    draft = generate(case, now, {full: "full"} if full else {"stability": "S1"})
    assert draft is not None
    plan(instance(draft.instance), memory=known.memory)
    return (time.perf_counter() - began) * 1000


# -- ground ------------------------------------------------------------------------------------


def furnish(dice: random.Random) -> list[Case]:
    """Techniques, privileges, hubs, lines, roads, vehicles and counts for the whole network."""
    sites = list(Organisation.objects.exclude(latitude=None).order_by("id"))
    operation, _ = Technique.objects.get_or_create(code=OPERATION, defaults={"name": "x"})
    anaesthesia, _ = Technique.objects.get_or_create(code=ANAESTHESIA, defaults={"name": "y"})
    partners = set(Agreement.objects.values_list("to_organisation_id", flat=True))
    able = {s.pk for n, s in enumerate(sites) if n % ABLE_EVERY == 0} | partners
    _capabilities(sites, able, (operation, anaesthesia), dice)
    _privileges(able, (operation, anaesthesia), dice)
    hubs = _hubs(sites, dice)
    _lines(hubs, dice)
    _things(sites, hubs, dice)
    return _cases(operation)


def _capabilities(sites: list[Organisation], able: set[int], techniques: Any, dice: Any) -> None:
    Capability.objects.bulk_create(
        Capability(
            organisation=site,
            technique=technique,
            level=dice.randint(3, 5) if site.pk in able else 0,
        )
        for site in sites
        for technique in techniques
    )


def _privileges(able: set[int], techniques: Any, dice: Any) -> None:
    experts = Role.objects.filter(kind__in=["expert", "doctor"], organisation__in=able)
    by_site: dict[int, list[int]] = {}
    for site, person in experts.values_list("organisation_id", "practitioner_id"):
        by_site.setdefault(site, []).append(person)
    Privilege.objects.bulk_create(
        Privilege(
            practitioner_id=person,
            organisation_id=site,
            technique=techniques[n % 2],
            entrustment=dice.randint(3, 5),
        )
        for site, people in by_site.items()
        for n, person in enumerate(sorted(set(people))[:8])
    )


def _hubs(sites: list[Organisation], dice: Any) -> list[Hub]:
    near = dice.sample(sites, min(HUBS, len(sites)))
    return Hub.objects.bulk_create(
        Hub(
            code=f"H{n:03}", name=f"枢纽 {n}", kind="airport",
            latitude=site.latitude, longitude=site.longitude,
        )
        for n, site in enumerate(near)
    )  # fmt: skip


def _lines(hubs: list[Hub], dice: Any) -> None:
    Departure.objects.bulk_create(
        Departure(
            mode="flight", number=f"B{n:05}", start=hub, end=other,
            departs=clock(dice.randrange(6, 24), dice.randrange(0, 60, 5)),
            minutes=dice.randint(60, 300),
        )
        for n, (hub, other) in enumerate(
            (hub, other)
            for hub in hubs
            for other in dice.choices(hubs, k=LINES_A_HUB)
            if other is not hub
        )
    )  # fmt: skip


def _things(sites: list[Organisation], hubs: list[Hub], dice: Any) -> None:
    Vehicle.objects.bulk_create(
        Vehicle(organisation=s, name="1", kind="ambulance", carries="S2", incubator=True)
        for s in sites
    )
    Resource.objects.bulk_create(
        Resource(organisation=site, kind=kind, free=dice.randint(0, 3))
        for site in sites
        for kind in ("theatre", "nicu_bed")
    )
    Road.objects.bulk_create(
        Road(start_hub=dice.choice(hubs), end=site, minutes=dice.randint(20, 120))
        for site in sites[::3]
    )


def _cases(operation: Technique) -> list[Case]:
    asking = Agreement.objects.values("from_organisation")
    rows = Case.objects.filter(status="open", organisation__in=asking)
    cases = list(rows.select_related("organisation", "alliance").order_by("id")[:CASES])
    for case in cases:
        case.requests.update(technique=operation)
    Agreement.objects.update(modes=["consult", "dispatch", "live", "transfer"])
    return cases
