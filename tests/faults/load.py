"""Doctors who raise, experts who answer, advise or stay away, and clocks that run out meanwhile."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

import psycopg

from tests.faults.device import PASSWORD, Device, GaveUp
from tests.faults.house import House
from tests.faults.ledger import Ledger, Write
from tests.faults.people import page

EXPERTS = ("alice", "bob", "carol", "second", "director")
DOCTORS = ("doctor", "second_doctor")
URGENCIES = ("U0", "U1", "U1", "U2")
REASONS = ("operating", "fatigue", "cannot_within_30")

HASTEN = """
    UPDATE cases_clock SET started_at = now() - interval '1 second',
           target_at = now() + interval '1.5 seconds',
           hard_at = CASE WHEN hard_at IS NULL THEN NULL ELSE now() + interval '2.5 seconds' END,
           due_at = now() + interval '0.25 seconds'
     WHERE case_id = %s AND stage = '' AND stopped_at IS NULL AND cancelled_at IS NULL
       AND target_at IS NOT NULL AND due_at IS NOT NULL
"""


class Load:
    """Everybody at work, each in a thread, until `stop`. Bounded: at most `most` pages."""

    def __init__(
        self,
        house: House,
        urls: Callable[[], Sequence[str]],
        seed: int,
        *,
        most: int = 60,
        pause: float = 0.3,
        ledger: Ledger | None = None,
    ) -> None:
        self.house, self.urls, self.seed = house, urls, seed
        self.most, self.pause = most, pause
        self.ledger = ledger or Ledger()
        self.faults: list[str] = []
        self._raised = 0
        self._over = threading.Event()
        people = [*DOCTORS, *EXPERTS]
        self.devices = {number: Device(number, urls, self.ledger).sign_in() for number in people}
        works = [
            *((self._raises, number) for number in DOCTORS),
            *((self._answers, number) for number in EXPERTS),
            (self._reads, DOCTORS[0]),
            (self._hastens, "time"),
        ]
        self._threads = [
            threading.Thread(target=self._keeps_at_it, args=each, daemon=True) for each in works
        ]

    def start(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Nobody begins anything new; what was begun is sent until it is answered."""
        self._over.set()
        for thread in self._threads:
            thread.join(90)
        assert not any(thread.is_alive() for thread in self._threads), "somebody hangs"
        for device in self.devices.values():
            device.close()

    def _keeps_at_it(self, work: Callable[[str, random.Random], None], number: str) -> None:
        dice = random.Random(f"{self.seed} {work.__name__} {number}")
        while not self._over.is_set():
            try:
                work(number, dice)
            except (GaveUp, ValueError, KeyError) as fault:
                self.faults.append(f"{number}: {fault}")
            except psycopg.Error:  # the harness's own look at a database that is away
                self._over.wait(0.3)
            self._over.wait(dice.uniform(0.5, 1.5) * self.pause)

    # -- what people do ---------------------------------------------------------------------------

    def _raises(self, number: str, dice: random.Random) -> None:
        if self._raised >= self.most:
            return
        self._raised += 1
        device, mark = self.devices[number], uuid4().hex
        sent = device.write("raise", "/cases/new/", page(mark, dice.choice(URGENCIES)), mark)
        if sent.acknowledged and dice.random() < 0.5:
            words = uuid4().hex
            device.write("note", f"/cases/{sent.case}/messages/", {"text": f"补充 {words}"}, words)

    def _answers(self, number: str, dice: random.Random) -> None:
        device = self.devices[number]
        for ring in device.rings()[:2]:
            choice = dice.random()
            if choice > 0.75:
                continue  # not heard, this time
            if (request := device.request_of(ring)) is None:
                continue
            if choice < 0.2:
                words = uuid4().hex
                fields = {"reason": dice.choice(REASONS), "note": words}
                device.write("decline", f"/requests/{request}/refusal/", fields, words)
                continue
            sent = device.write("accept", f"/requests/{request}/acceptance/", {}, request)
            if sent.acknowledged and dice.random() < 0.7:
                self._advises(device, sent)

    def _advises(self, device: Device, accepted: Write) -> None:
        words = uuid4().hex
        fields = {
            "request": accepted.mark,
            "indication": "confirmed",
            "assessment": f"评估 {words}",
            "password": PASSWORD,
        }
        device.write("opinion", f"/cases/{accepted.case}/opinions/new/", fields, words)

    def _reads(self, number: str, dice: random.Random) -> None:
        device = self.devices[number]
        found = self.house.sql(
            "SELECT key FROM cases_opinion WHERE acknowledged_at IS NULL ORDER BY id LIMIT 3"
        )
        for (key,) in found:
            device.write(
                "acknowledge", f"/opinions/{key}/acknowledgement/", {"understood": "on"}, str(key)
            )
        unread = self.house.sql(
            "SELECT m.key FROM notify_message m JOIN directory_practitioner p"
            " ON p.id = m.practitioner_id WHERE p.number = %s AND m.read_at IS NULL"
            " AND m.withdrawn_at IS NULL ORDER BY m.id LIMIT 1",
            number,
        )
        for (key,) in unread:
            device.write("read", f"/notify/inbox/{key}/reading/", {}, str(key))

    def _hastens(self, number: str, dice: random.Random) -> None:
        hasten(self.house, dice)
        time.sleep(self.pause)


def hasten(house: House, dice: random.Random) -> None:
    """Let the clocks of one open case run out in the next seconds."""
    with contextlib.suppress(psycopg.Error), house.cluster.connect(house.name) as link:
        cases = link.execute(
            "SELECT c.id, c.chain_id FROM cases_case c WHERE EXISTS (SELECT FROM cases_clock k"
            " WHERE k.case_id = c.id AND k.stage = '' AND k.due_at > now() + interval '5 seconds')"
            " ORDER BY c.id"
        ).fetchall()
        if not cases:
            return
        case, chain = dice.choice(cases)
        with link.transaction():
            link.execute("SELECT FROM record_chain WHERE id = %s FOR UPDATE", [chain])
            link.execute(HASTEN, [case])
