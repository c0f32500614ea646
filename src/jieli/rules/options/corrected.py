"""Facts as a person has corrected them in place. Departures and roads are corrected where used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from jieli.rules.corrections import check_correction
from jieli.rules.options.facts import Carrier, Facts, Human, Link, Said, Stock

BY_HAND = Said("correction")


def corrected(facts: Facts, corrections: Mapping[str, str]) -> Facts:
    """Raises Refused when a correction cannot be read."""
    for name, value in corrections.items():
        check_correction(name, value)
    facts = replace(facts, corrections=dict(corrections))
    facts = replace(
        facts,
        people=tuple(_human(each, corrections) for each in facts.people),
        carriers=tuple(_carrier(each, corrections) for each in facts.carriers),
        signs=_signs(facts, corrections),
    )
    if grade := corrections.get("stability"):
        facts = replace(facts, stability=grade, stability_said=BY_HAND)
    if tested := corrections.get("link"):
        share = facts.link.failure_share if facts.link else 0.0
        facts = replace(facts, link=Link(tested == "passed", share, BY_HAND))
    return _stocks(facts, corrections)


def _human(human: Human, corrections: Mapping[str, str]) -> Human:
    value = corrections.get(f"person:{human.number}", "")
    if value == "unavailable":
        return replace(human, unavailable=True, said=BY_HAND)
    if value == "available":
        return replace(human, state="free", away=(), said=BY_HAND)
    if value == "covered":
        return replace(human, covered=True, said=BY_HAND)
    if value.startswith("awake:"):
        hours = float(value.removeprefix("awake:"))
        return replace(human, awake_hours=hours, said=BY_HAND)
    return human


def _carrier(carrier: Carrier, corrections: Mapping[str, str]) -> Carrier:
    value = corrections.get(f"vehicle:{carrier.id}")
    if value is None:
        return carrier
    return replace(carrier, state=value, free_from=None, said=BY_HAND)


def _signs(facts: Facts, corrections: Mapping[str, str]) -> frozenset[str]:
    said = dict(_under("sign:", corrections))
    present = {name for name, value in said.items() if value == "yes"}
    return frozenset((facts.signs | present) - {n for n, v in said.items() if v == "no"})


def _stocks(facts: Facts, corrections: Mapping[str, str]) -> Facts:
    sites = dict(facts.sites)
    for rest, value in _under("resource:", corrections):
        code, _colon, kind = rest.rpartition(":")
        if code in sites:
            stocks = {**sites[code].stocks, kind: Stock(int(value), BY_HAND)}
            sites[code] = replace(sites[code], stocks=stocks)
    return replace(facts, sites=sites)


def _under(head: str, corrections: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in corrections.items():
        if name.startswith(head):
            yield name.removeprefix(head), value
