"""The local mailbox: an SMTP server on 127.0.0.1 that saves every mail as a file."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import socket
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from ..core.context import Context

MAX_MESSAGE_BYTES = 10 * 1024 * 1024

logger = logging.getLogger("mailbox")


class Mailbox:
    """Writes mails as NNNN-<word>.eml. The word is the local part of the envelope's sender, which the SNS
    part sets to the topic's name."""

    def __init__(self, mail_dir: Path) -> None:
        self._dir = mail_dir
        mail_dir.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count(_last_number(mail_dir) + 1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        target = self._dir / f"{next(self._numbers):04d}-{_slug(envelope.mail_from or '')}.eml"
        # Readers poll the folder for *.eml, so the final name must only appear with the complete mail.
        partial = target.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(target)
        except OSError as problem:
            logger.exception("the mail for %s could not be kept", envelope.rcpt_tos)
            return f"451 Requested action aborted: {problem.strerror}"
        logger.info("mail for %s: %s", ", ".join(envelope.rcpt_tos), target.name)
        return "250 OK"


def start(context: Context) -> int:
    """Serve until the process ends. Returns the port."""
    listener = socket.create_server((context.smtp_host, 0))
    mailbox = Mailbox(context.mail_dir)
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(
            mailbox,
            hostname="localhost",
            data_size_limit=MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            decode_data=False,
            loop=loop,
        )

    loop.run_until_complete(loop.create_server(session, sock=listener))
    threading.Thread(target=loop.run_forever, daemon=True, name="mailbox").start()
    return listener.getsockname()[1]


def _last_number(mail_dir: Path) -> int:
    """A run in the folder of an earlier one continues its numbers, so that no mail is overwritten."""
    numbers = [int(found[0]) for path in mail_dir.glob("*.eml") if (found := re.match(r"\d+", path.name))]
    return max(numbers, default=0)


def _slug(sender: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", sender.partition("@")[0]).strip("-.")
    return word[:80] or "mail"
