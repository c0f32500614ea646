"""The facts of one case for the generator: few queries, each with an index; nothing is judged."""

from dataclasses import dataclass
from datetime import datetime

from jieli.cases.models import Case, Opinion, Request
from jieli.chart.models import Consent, Observation
from jieli.directory.access import today
from jieli.directory.models import Organisation, Technique
from jieli.missions.models import LinkTest
from jieli.missions.queries.content import is_approved, pathways
from jieli.missions.queries.learned import leg_times
from jieli.missions.queries.operators import people_of
from jieli.missions.queries.routes import routes_of
from jieli.missions.queries.sites import around, carriers
from jieli.rules.options.facts import Facts, Link, Said
from jieli.rules.pathways import INDICATION, Content, Pathway

GRADES = ("S0", "S1", "S2", "S3")


@dataclass(frozen=True, slots=True)
class Read:
    """The facts, and what they hang on."""

    facts: Facts
    opinion: Opinion | None
    content: Content
    approved: bool
    farther: int  # able hospitals that were not looked at


def read(case: Case, now: datetime) -> Read | None:
    """None: no pathway says what this case needs, so there is nothing to compare."""
    opinion = _opinion(case)
    request = opinion.request if opinion else _request(case)
    content = pathways()
    pathway = _pathway(request)
    if pathway is None or request is None:
        return None
    near = around(case, pathway, request.specialty, today(now), now)
    routes = routes_of(near.sites, today(now))
    here = case.organisation
    grade, graded = _stability(case)
    facts = Facts(
        t0=_t0(case, opinion, pathway),
        now=now,
        site=here.code,
        pathway=pathway,
        sites=near.sites,
        people=people_of(near.ids, here.pk, pathway, opinion.author_id if opinion else None, now),
        treaties=near.treaties,
        carriers=carriers(near.ids.values()),
        hubs=routes.hubs,
        lines=routes.lines,
        roads=routes.roads,
        learned=leg_times(routes.keys(here.code, near.sites)),
        link=_link(here),
        stability=grade,
        stability_said=graded,
        temporised=temporised(case),
        refused=_refused(case),
    )
    return Read(facts, opinion, content, is_approved(content, case, now), near.farther)


def pathway_of(case: Case) -> Pathway | None:
    """What this case needs, as far as the content has a pathway for what was asked."""
    opinion = _opinion(case)
    return _pathway(opinion.request if opinion else _request(case))


def _pathway(request: Request | None) -> Pathway | None:
    if request is None:
        return None
    technique: Technique | None = request.technique
    return pathways().of(technique.code if technique else "", request.specialty.code)


def _opinion(case: Case) -> Opinion | None:
    """The last one, if it confirms the indication."""
    rows = case.opinions.select_related("request__technique", "request__specialty", "author")
    last = rows.exclude(indication=Opinion.Indication.UNDETERMINED).order_by("-version").first()
    return last if last and last.indication == Opinion.Indication.CONFIRMED else None


def _t0(case: Case, opinion: Opinion | None, pathway: Pathway) -> datetime:
    """The first confirmation counts: a later version adds to it and gives no new time."""
    if opinion is None or pathway.starts != INDICATION:
        return case.anchor_at
    confirmed = case.opinions.filter(indication=Opinion.Indication.CONFIRMED)
    first = confirmed.order_by("version").first()
    return first.signed_at if first else opinion.signed_at


def _request(case: Case) -> Request | None:
    rows = case.requests.select_related("technique", "specialty")
    return rows.exclude(status=Request.Status.CANCELLED).order_by("-raised_at", "-id").first()


def _stability(case: Case) -> tuple[str | None, Said]:
    row = (
        Observation.objects.filter(case_key=case.key, code="stability", wrong_at=None)
        .select_related("by")
        .order_by("-occurred_at", "-id")
        .first()
    )
    if row is None or row.text not in GRADES:
        return None, Said()
    return row.text, Said("chart", row.occurred_at, row.by.name)


def _link(here: Organisation) -> Link | None:
    row = LinkTest.objects.filter(organisation=here).select_related("by").order_by("-at").first()
    if row is None:
        return None
    said = Said("link test", row.at, row.by.name if row.by else "")
    return Link(row.passed, row.failure_share, said)


def temporised(case: Case) -> frozenset[str]:
    """Items of the set that is done at once which are done."""
    return frozenset(case.temporised.filter(undone_at=None).values_list("item", flat=True))


def _refused(case: Case) -> bool:
    """The last word on the operation."""
    rows = Consent.objects.filter(case_key=case.key, kind=Consent.Kind.OPERATION)
    last = rows.order_by("-occurred_at", "-id").first()
    return last is not None and last.answer == Consent.Answer.REFUSED
