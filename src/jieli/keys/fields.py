"""Columns whose content is sealed: written and read as plain values, stored as sealed text."""

from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from jieli.keys import seals


class Sealed:
    """What both kinds of column share. They cannot be searched: each sealing looks different."""

    model: type[models.Model]
    column: str

    def deconstruct(self) -> Any:
        """To the database it is an ordinary column; migrations see what lies in it."""
        name, _path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        base = models.TextField if isinstance(self, models.TextField) else models.BinaryField
        return name, f"django.db.models.{base.__name__}", args, kwargs

    @property
    def place(self) -> str:
        """Goes into the seal, so that a sealed value opens in its own column only."""
        return f"{self.model._meta.db_table}.{self.column}"

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name in ("isnull", WrittenPlain.lookup_name):
            return super().get_lookup(lookup_name)  # type: ignore[misc]
        raise FieldError(f"{self.place} is sealed: look for its blind index instead.")


class WrittenPlain(models.Lookup):
    """Compares with what lies in the column, for rows that are not sealed yet (keys.phase)."""

    lookup_name = "in_plain"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, given = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*given, list(self.rhs)]


class SealedField(Sealed, models.TextField):  # type: ignore[misc]
    """A number or an address that names or reaches a person. Empty stays empty.

    `marked` names the columns of its blind index and of the kind that goes into it.
    """

    def __init__(self, *args: Any, marked: tuple[str, str] | None = None, **kwargs: Any) -> None:
        self.marked = marked
        super().__init__(*args, **kwargs)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return seals.seal(value, self.place) if isinstance(value, str) else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return value and seals.opened(value, self.place)


SealedField.register_lookup(WrittenPlain)


class SealedBytes(Sealed, models.BinaryField):  # type: ignore[misc]
    """A file or an answer that may hold numbers. Empty stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else seals.seal_bytes(_bytes(value), self.place)

    def from_db_value(self, value: Any, *_: Any) -> bytes | None:
        return None if value is None else seals.opened_bytes(bytes(value), self.place)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else bytes(value)
