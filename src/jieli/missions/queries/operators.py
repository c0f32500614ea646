"""Who could operate, anaesthetise or guide: their privileges, and whether they are free."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from jieli.directory.access import today, valid_on
from jieli.directory.models import Duty, Practitioner, Privilege, Role
from jieli.missions.queries.learned import Away, away
from jieli.rules.options.facts import Human, Privileged, Said
from jieli.rules.options.judging import LOAD_DAYS
from jieli.rules.pathways import Pathway

AHEAD = timedelta(days=4)
MOST = 2_000  # privileges of one sheet

Posts = Mapping[int, list[tuple[int, int | None]]]  # person: hospital and specialty of each role


def people_of(
    ids: Mapping[str, int], here: int, pathway: Pathway, author: int | None, now: datetime
) -> tuple[Human, ...]:
    """Five queries. `ids`: hospitals by code; `author`: who signed the opinion."""
    held = _privileges(ids, pathway)
    people = {p.practitioner_id: p.practitioner for p in held}
    of: dict[int, list[Privilege]] = defaultdict(list)
    for privilege in held:
        of[privilege.practitioner_id].append(privilege)
    posts = _posts(people, now)
    codes = {pk: code for code, pk in ids.items()}
    on_duty = _on_duty(people, now)
    busy = away(people, now - timedelta(days=LOAD_DAYS), now + AHEAD)
    home = {pk: _home(posts.get(pk, []), of[pk], here, codes) for pk in people}
    free = _free(home, posts, on_duty, now)
    return tuple(
        _human(
            person,
            codes[home[pk]],
            [_privilege(p, codes) for p in of[pk]],
            on_duty=pk in on_duty,
            covers=free.get(pk, 0),
            busy=busy,
            author=pk == author,
            now=now,
        )
        for pk, person in sorted(people.items())
        if home[pk] in codes
    )


def _privileges(ids: Mapping[str, int], pathway: Pathway) -> list[Privilege]:
    rows = Privilege.objects.filter(
        technique__code__in=[code for code in (pathway.operator, pathway.anaesthesia) if code],
        organisation__in=list(ids.values()),
    )
    rows = rows.select_related("practitioner__presence", "technique")
    return list(rows.order_by("-entrustment", "id")[:MOST])


def _privilege(row: Privilege, codes: Mapping[int, str]) -> Privileged:
    return Privileged(
        codes[row.organisation_id],
        row.technique.code,
        row.entrustment,
        row.valid_to,
        row.valid_from,
    )


def _posts(people: Collection[int], now: datetime) -> Posts:
    found: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    rows = Role.objects.filter(valid_on(today(now)), practitioner__in=list(people)).order_by("id")
    for person, site, specialty in rows.values_list(
        "practitioner_id", "organisation_id", "specialty_id"
    ):
        found[person].append((site, specialty))
    return found


def _home(
    posts: Collection[tuple[int, int | None]],
    held: Collection[Privilege],
    here: int,
    codes: Mapping[int, str],
) -> int:
    """Where they work: here, if they have a post here and may do it; else their first post that
    goes with a privilege, else any post among these hospitals."""
    privileged = {p.organisation_id for p in held}
    sites = [site for site, _specialty in posts if site in codes]
    if here in sites and here in privileged:
        return here
    fitting = [site for site in sites if site in privileged]
    return next(iter([*fitting, *sites, *sorted(privileged)]))


def _on_duty(people: Collection[int], now: datetime) -> set[int]:
    rows = Duty.objects.filter(practitioner__in=list(people), period__contains=now)
    return set(rows.values_list("practitioner_id", flat=True))


def _free(
    home: Mapping[int, int], posts: Posts, on_duty: Collection[int], now: datetime
) -> dict[int, int]:
    """For each person on duty: how many of their specialty at home are not on duty now."""
    wanted = {
        pk: {s for site, s in posts.get(pk, []) if site == home[pk] and s is not None}
        for pk in on_duty
    }
    sites, specialties = {home[pk] for pk in wanted}, set().union(*wanted.values())
    kinds = (Role.Kind.EXPERT, Role.Kind.DOCTOR)
    rows = Role.objects.filter(
        valid_on(today(now)),
        organisation__in=sites,
        specialty__in=specialties,
        kind__in=kinds,
    ).exclude(practitioner__duties__period__contains=now)
    others: dict[tuple[int, int], set[int]] = defaultdict(set)
    for site, specialty, person in rows.values_list(
        "organisation_id", "specialty_id", "practitioner_id"
    ):
        others[site, specialty or 0].add(person)
    return {
        pk: len(set().union(*(others[home[pk], s] for s in mine)) - {pk})
        for pk, mine in wanted.items()
    }


def _human(
    person: Practitioner,
    site: str,
    privileges: list[Privileged],
    *,
    on_duty: bool,
    covers: int,
    busy: Away,
    author: bool,
    now: datetime,
) -> Human:
    presence = getattr(person, "presence", None)
    spans = busy.get(person.pk, ())
    past = [(start, min(end, now)) for start, end in spans if start < now]
    days = sum((end - start).total_seconds() / 86_400 for start, end in past)
    seen = Said("presence", presence.last_seen_at, person.name) if presence else Said("directory")
    return Human(
        person.number,
        str(person.key),
        person.name,
        site,
        person.title,
        tuple(privileges),
        on_duty=on_duty,
        covers=covers,
        state=presence.state if presence else "free",
        until=presence.until if presence else None,
        away=tuple(span for span in spans if span[1] > now),
        away_days=round(days, 2),
        author=author,
        said=seen,
    )
