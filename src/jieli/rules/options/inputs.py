"""The inputs that the options were made from, each once, so that a person may doubt them."""

from __future__ import annotations

from typing import Any

from jieli.rules.options.facts import ESTIMATE, Facts, Said


class Inputs:
    """Collected while options are made; `name` is the key that a correction uses."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._found: dict[str, dict[str, Any]] = {}

    def note(
        self,
        name: str,
        label: str,
        value: str | float,
        unit: str = "",
        said: Said = ESTIMATE,
        *,
        correctable: bool = True,
    ) -> None:
        if name in self._found:
            return
        if name in self.facts.corrections:
            said = Said("correction", said.at, said.by)
        self._found[name] = {
            "name": name,
            "label": label,
            "value": round(value, 1) if isinstance(value, float) else value,
            "unit": unit,
            "source": said.source,
            "at": said.at.isoformat() if said.at else None,
            "by": said.by,
            "estimate": said.source == "estimate",
            "correctable": correctable,
        }

    def listed(self) -> list[dict[str, Any]]:
        return list(self._found.values())
