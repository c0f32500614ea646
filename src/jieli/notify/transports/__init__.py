"""One folder for each way to reach a person; copy your neighbour to add one."""

from collections.abc import Mapping

from jieli.notify.transports.apprise import transport as apprise
from jieli.notify.transports.email import transport as email
from jieli.notify.transports.gateway import transport as gateway
from jieli.notify.transports.in_app import transport as in_app
from jieli.notify.transports.letter import Knock, Transport

TRANSPORTS: Mapping[str, Transport] = {
    "in_app": in_app.send,
    "gateway": gateway.send,
    "apprise": apprise.send,
    "email": email.send,
}
# Whether the other side is there at all, without sending anything.
KNOCKS: Mapping[str, Knock] = {"gateway": gateway.knock, "email": email.knock}
