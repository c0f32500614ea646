"""What one person does in a scenario, by HTTP."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from tests.faults.device import PAGE, PASSWORD, Device
from tests.faults.house import House, until
from tests.faults.ledger import Write


def page(mark: str, urgency: str = "U1") -> dict[str, str]:
    return {**PAGE, "urgency": urgency, "problem": f"故障演练 {mark}"}


def raises(device: Device, urgency: str = "U1") -> Write:
    mark = uuid4().hex
    return device.write("raise", "/cases/new/", page(mark, urgency), mark)


def request_of(house: House, raised: Write) -> str:
    return str(
        house.one(
            "SELECT r.key FROM cases_request r JOIN cases_case c ON c.id = r.case_id"
            " WHERE c.key = %s::uuid",
            raised.case,
        )
    )


def accepts(device: Device, request: str) -> Write:
    return device.write("accept", f"/requests/{request}/acceptance/", {}, request)


def declines(device: Device, request: str) -> Write:
    words = uuid4().hex
    fields = {"reason": "operating", "note": words}
    return device.write("decline", f"/requests/{request}/refusal/", fields, words)


def advises(device: Device, case: str, request: str) -> Write:
    words = uuid4().hex
    fields = {"request": request, "indication": "confirmed", "assessment": f"评估 {words}"}
    return device.write(
        "opinion", f"/cases/{case}/opinions/new/", {**fields, "password": PASSWORD}, words
    )


def understands(house: House, device: Device, case: str) -> Write:
    key = house.one(
        "SELECT o.key FROM cases_opinion o JOIN cases_case c ON c.id = o.case_id"
        " WHERE c.key = %s::uuid ORDER BY o.id DESC LIMIT 1",
        case,
    )
    fields = {"understood": "on"}
    return device.write("acknowledge", f"/opinions/{key}/acknowledgement/", fields, str(key))


def writes(device: Device, case: str) -> Write:
    words = uuid4().hex
    return device.write("note", f"/cases/{case}/messages/", {"text": f"补充 {words}"}, words)


def called_after(house: House, act: Callable[[], object], number: str) -> None:
    act()
    called(house, number)


def called(house: House, number: str, seconds: float = 10) -> None:
    """Until somebody's telephone was rung."""
    turn = house.one(
        "SELECT count(*) FROM directory_practitioner WHERE id <"
        " (SELECT id FROM directory_practitioner WHERE number = %s)",
        number,
    )
    until(lambda: house.gateway.to(telephone(turn)), seconds, f"{number} was not called")


def telephone(turn: int) -> str:
    """Of the n-th person: in the database it is sealed."""
    return f"1390000{turn:04}"
