"""The one error that a person reads: what happened and what to do, in a sentence."""

from collections.abc import Mapping


class Refused(Exception):
    """A move that is not allowed. The sentence is a msgid; `facts` fill it in."""

    def __init__(self, sentence: str, **facts: str | int) -> None:
        self.sentence = sentence
        self.facts: Mapping[str, str | int] = facts
        super().__init__(sentence % facts if facts else sentence)


class NotProven(Refused):
    """The person did not prove who they are: such tries are counted."""
