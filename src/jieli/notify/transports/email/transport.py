"""E-mail by SMTP. Slow and silent: never the only way to a person at night."""

import smtplib
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from jieli.notify.transports import loopback
from jieli.notify.transports.letter import Letter, Result, TransportError


def send(letter: Letter, *, timeout: float) -> Result:
    try:
        validate_email(letter.address)
    except ValidationError:
        raise TransportError("This is not a mail address.", permanent=True) from None
    mail = EmailMessage(
        subject=" ".join(letter.title.split()),
        body="\n\n".join(filter(None, (letter.text, letter.link))),
        to=[letter.address],
        headers={"Message-ID": f"<{letter.id}@jieli>", "Auto-Submitted": "auto-generated"},
        connection=_server(letter, timeout),
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as fault:
        codes = [code for code, _ in fault.recipients.values()]
        gone = all(code // 100 == 5 for code in codes)
        raise TransportError("The mail server refused this address.", permanent=gone) from None
    except (OSError, smtplib.SMTPException):
        raise TransportError("The mail server cannot be reached or refused the mail.") from None
    return Result()


def knock(*, timeout: float) -> None:
    """Whether the mail server takes us in; no mail is sent."""
    server: Any = get_connection(timeout=timeout)
    try:
        server.open()
        if getattr(server, "connection", None) is not None:
            server.connection.noop()
        server.close()
    except (OSError, smtplib.SMTPException):
        raise TransportError("The mail server cannot be reached or refused the mail.") from None


def _server(letter: Letter, timeout: float) -> Any:
    if not letter.loopback:
        return get_connection(timeout=timeout)
    port = loopback.receiver().smtp_port
    return get_connection(
        "django.core.mail.backends.smtp.EmailBackend",
        host=loopback.HOST, port=port, username="", password="", use_tls=False, timeout=timeout,
    )  # fmt: skip
