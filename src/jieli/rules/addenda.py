"""What is signed is never edited: who may add to it or replace it, and which one then stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jieli.rules.refusal import Refused

SHORTEST_WHY = 2


@dataclass(frozen=True, slots=True)
class Version:
    """One signed version, and what it says of an earlier one."""

    version: int
    author: int
    corrects: int | None = None  # version
    replaces: bool = False


def check_correction(
    versions: Sequence[Version], corrects: int, by: int, *, own: bool, replaces: bool, why: str
) -> None:
    """Whether this person may add to, or replace, that version."""
    found = next((one for one in versions if one.version == corrects), None)
    if found is None:
        raise Refused("There is no such version to correct.")
    if own and found.author != by:
        raise Refused("Only its author can correct a signed opinion. Write your own instead.")
    if after := replaced_by(versions).get(corrects):
        raise Refused(
            "This version was replaced by version %(version)s. Correct that one.", version=after
        )
    if replaces and len(why.strip()) < SHORTEST_WHY:
        raise Refused("Say why the signed version is replaced.")


def replaced_by(versions: Sequence[Version]) -> Mapping[int, int]:
    """Versions that no longer stand, and the one that replaced each."""
    return {
        one.corrects: one.version
        for one in sorted(versions, key=lambda v: v.version)
        if one.replaces and one.corrects is not None
    }


def families(versions: Sequence[Version]) -> list[list[int]]:
    """Each signed text with all that was added to it, newest first, the newest family first."""
    head: dict[int, int] = {}
    for one in sorted(versions, key=lambda v: v.version):
        root = head.get(one.corrects, one.corrects) if one.corrects else one.version
        head[one.version] = root
    groups: dict[int, list[int]] = {}
    for version in sorted(head, reverse=True):
        groups.setdefault(head[version], []).append(version)
    return list(groups.values())
