"""Several moves at the same moment, each in a thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections, connection
from django.utils import translation

from jieli.rules.refusal import Refused

Move = Callable[[], Any]
DONE, REFUSED = "done", "refused"


def at_once(*moves: Move) -> list[tuple[str, str]]:
    """Let all moves go together. For each what came of it: done, or refused with the sentence.

    Anything but a refusal (a deadlock, say) is raised here.
    """
    gate = threading.Barrier(len(moves))
    came: list[tuple[str, str] | BaseException] = [(REFUSED, "did not run")] * len(moves)

    def go(place: int, move: Move) -> None:
        close_old_connections()
        try:
            with translation.override("en"):
                connection.ensure_connection()  # before the gate: the race is about rows
                gate.wait(10)
                move()
                came[place] = (DONE, "")
        except Refused as refused:
            came[place] = (REFUSED, refused.sentence % refused.facts)
        except BaseException as fault:  # noqa: BLE001 - said to the test below
            came[place] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=each) for each in enumerate(moves)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    faults = [each for each in came if isinstance(each, BaseException)]
    if faults:
        raise faults[0]
    assert not any(thread.is_alive() for thread in threads), "a move hangs"
    return [each for each in came if not isinstance(each, BaseException)]
