"""E-mail subscriptions of SNS topics, delivered over SMTP as SNS delivers them.

MiniStack confirms an e-mail subscription immediately and only logs mails. Here a subscription waits for its
confirmation, every mail is delivered to the local mailbox with working links, and Publish checks what SNS checks.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import secrets
import smtplib
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from ministack.core.responses import get_account_id, new_uuid
from ministack.services import sns

from ..core.context import Context

PATCHES = [
    ("ministack.services.sns", name)
    for name in (
        "SnsPublishError",
        "_build_envelope",
        "_confirm_subscription",
        "_error",
        "_fanout",
        "_find_subscription",
        "_get_topic",
        "_is_fifo_topic",
        "_list_subscriptions",
        "_list_subscriptions_by_topic",
        "_matches_filter_policy",
        "_p",
        "_parse_batch_entries",
        "_publish",
        "_publish_batch",
        "_refresh_subscription_counts",
        "_resolve_message_for_protocol",
        "_sub_arn_to_topic",
        "_subscribe",
        "_topic_by_arn_any_scope",
        "_unsubscribe",
        "_xml",
        "_xml_escape",
        "publish_internal",
    )
]

PROTOCOLS = ("email", "email-json")
SENDER_NAME = "AWS Notifications"
SENDER = "no-reply@sns.amazonaws.com"
DEFAULT_SUBJECT = "AWS Notification Message"
MAX_SUBJECT_CHARACTERS = 100
DELIVERY_TRIES = 3
SUBSCRIPTION_ATTRIBUTES = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery")

# The texts of SNS.
CONFIRMATION = """You have chosen to subscribe to the topic:
{topic_arn}

To confirm this subscription, click or visit the link below (If this was in error no action is necessary):
{link}

Please do not reply directly to this email. If you wish to remove yourself from receiving all future SNS \
subscription confirmation requests please send an email to sns-opt-out
"""
FOOTER = """

--
If you wish to stop receiving notifications from this topic, please click or visit the link below to \
unsubscribe:
{link}

Please do not reply directly to this email. If you have any questions or comments regarding this email, \
please contact us at https://aws.amazon.com/support
"""
CANCELLATION = """Your subscription to the topic below has been deactivated:
{topic_arn}

If this was in error or you wish to resubscribe, click or visit the link below to resubscribe:
{link}
"""

logger = logging.getLogger("sns-email")

Params = dict[str, Any]
Subscription = dict[str, Any]
Handler = Callable[[Params], tuple]


def install(context: Context) -> None:
    post = Post(context)
    subscriptions = Subscriptions(context, post)
    sns._subscribe = subscriptions.subscribing(sns._subscribe)
    sns._confirm_subscription = subscriptions.confirming(sns._confirm_subscription)
    sns._unsubscribe = subscriptions.unsubscribing(sns._unsubscribe)
    sns._list_subscriptions = _hiding_pending_arns(sns._list_subscriptions)
    sns._list_subscriptions_by_topic = _hiding_pending_arns(sns._list_subscriptions_by_topic)
    sns._publish = _with_attributes_as_parameters(sns._publish)
    sns.publish_internal = _checked_publish(sns.publish_internal)
    sns._parse_batch_entries, sns._publish_batch = _checked_batch(sns._parse_batch_entries, sns._publish_batch)
    sns._fanout = subscriptions.fanning_out(sns._fanout)
    # Its log line says that the mail was not sent, which is wrong here.
    sns.logger.addFilter(lambda record: not str(record.msg).startswith("SNS fanout → email"))
    context.on_shutdown("mail delivery", post.flush)


# ---- sending ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mail:
    recipient: str
    subject: str
    body: str
    topic_arn: str
    message_id: str = field(default_factory=new_uuid)
    sender_name: str = SENDER_NAME

    def compose(self) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(self.sender_name, *SENDER.split("@"))
        message["To"] = self.recipient
        message["Subject"] = self.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{self.message_id}-000000@email.amazonses.com>"
        plain = self.body.isascii() and max(map(len, self.body.splitlines()), default=0) < 990
        message.set_content(self.body, charset="utf-8", cte="7bit" if plain else "quoted-printable")
        return message.as_bytes()

    @property
    def envelope_sender(self) -> str:
        """One bounce address per topic. The local mailbox uses it for its file names."""
        return f"{self.topic_arn.rsplit(':', 1)[-1]}@amazonses.com"


class Post:
    """Delivers mails one after the other, in the order of publishing and asynchronously, as SNS does. Failed
    deliveries are logged and counted."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: queue.Queue[Mail] = queue.Queue()
        self.undelivered = 0
        threading.Thread(target=self._run, daemon=True, name="mail-delivery").start()

    def send(self, mail: Mail) -> None:
        self._queue.put(mail)

    def flush(self, timeout_seconds: float = 2.0) -> None:
        deadline = time.monotonic() + timeout_seconds
        while self._queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self) -> None:
        while True:
            mail = self._queue.get()
            try:
                self._deliver(mail)
            except Exception as problem:
                self.undelivered += 1
                logger.exception("mail not delivered")
                self._context.warn(
                    f"the mail '{mail.subject}' to {mail.recipient} was not delivered: {problem} "
                    f"({self.undelivered} undelivered so far)"
                )
            finally:
                self._queue.task_done()

    def _deliver(self, mail: Mail) -> None:
        content = mail.compose()
        for tries_left in reversed(range(DELIVERY_TRIES)):
            try:
                with smtplib.SMTP(self._context.smtp_host, self._context.smtp_port, timeout=5) as server:
                    server.sendmail(mail.envelope_sender, [mail.recipient], content)
                return
            except (OSError, smtplib.SMTPException):
                if not tries_left:
                    raise
                time.sleep(0.2)


# ---- subscriptions ----------------------------------------------------------------------------------------


class Subscriptions:
    """Subscribe, confirm and unsubscribe for the protocols email and email-json."""

    def __init__(self, context: Context, post: Post) -> None:
        self._context = context
        self._post = post
        # An unsubscription by the link in a mail can be undone by the link in the last mail.
        self._cancelled: dict[str, Subscription] = {}

    def subscribing(self, subscribe: Handler) -> Handler:
        def subscribe_email(params: Params) -> tuple:
            protocol, endpoint = sns._p(params, "Protocol"), sns._p(params, "Endpoint")
            if protocol not in PROTOCOLS:
                return subscribe(params)
            topic, error = sns._get_topic(sns._p(params, "TopicArn"), "sns:Subscribe")
            if error or topic is None:
                return error or sns._error("NotFound", "Topic does not exist", 404)
            problem = _subscription_problem(topic, protocol, endpoint, params)
            if problem:
                return sns._error("InvalidParameter", f"Invalid parameter: {problem}", 400)
            known = (s for s in topic["subscriptions"] if (s["protocol"], s["endpoint"]) == (protocol, endpoint))
            subscription = next(known, None) or self._add(topic, protocol, endpoint, params)
            if not subscription["confirmed"]:  # subscribing again sends the confirmation again
                self._send_confirmation(topic, subscription)
            shown = subscription["confirmed"] or sns._p(params, "ReturnSubscriptionArn") == "true"
            arn = subscription["arn"] if shown else "pending confirmation"
            return sns._xml(
                200,
                "SubscribeResponse",
                f"<SubscribeResult><SubscriptionArn>{arn}</SubscriptionArn></SubscribeResult>",
            )

        return subscribe_email

    def _add(self, topic: dict, protocol: str, endpoint: str, params: Params) -> Subscription:
        arn = f"{topic['arn']}:{new_uuid()}"
        subscription = {
            "arn": arn,
            "protocol": protocol,
            "endpoint": endpoint,
            "confirmed": False,
            "topic_arn": topic["arn"],
            "owner": get_account_id(),
            "token": secrets.token_hex(64),
            "attributes": {
                "SubscriptionArn": arn,
                "TopicArn": topic["arn"],
                "Protocol": protocol,
                "Endpoint": endpoint,
                "Owner": get_account_id(),
                "ConfirmationWasAuthenticated": "false",
                "PendingConfirmation": "true",
                "RawMessageDelivery": "false",
                **_given_attributes(params),
            },
        }
        topic["subscriptions"].append(subscription)
        sns._sub_arn_to_topic[arn] = topic["arn"]
        sns._refresh_subscription_counts(topic)
        return subscription

    def _send_confirmation(self, topic: dict, subscription: Subscription) -> None:
        link = self._link("ConfirmSubscription", TopicArn=topic["arn"], Token=subscription["token"])
        self._send(
            topic,
            subscription,
            "AWS Notification - Subscription Confirmation",
            CONFIRMATION.format(topic_arn=topic["arn"], link=link),
        )

    def confirming(self, confirm: Handler) -> Handler:
        def confirm_subscription(params: Params) -> tuple:
            topic, error = sns._get_topic(sns._p(params, "TopicArn"))
            token = sns._p(params, "Token")
            if error or topic is None or not token:
                return confirm(params)
            self._restore(topic, token)
            subscription = next(
                (s for s in topic["subscriptions"] if token in (s.get("token"), s.get("confirmed_with"))),
                None,
            )
            if subscription is None:
                return sns._error("InvalidParameter", "Invalid parameter: Invalid token", 400)
            if subscription["protocol"] not in PROTOCOLS:
                return confirm(params)
            if sns._p(params, "AuthenticateOnUnsubscribe") == "true":
                self._context.warn("ConfirmSubscription: the local stack ignores AuthenticateOnUnsubscribe")
            subscription.update(confirmed=True, token=None, confirmed_with=token)
            subscription["attributes"]["PendingConfirmation"] = "false"
            sns._refresh_subscription_counts(topic)
            return sns._xml(
                200,
                "ConfirmSubscriptionResponse",
                "<ConfirmSubscriptionResult>"
                f"<SubscriptionArn>{subscription['arn']}</SubscriptionArn>"
                "</ConfirmSubscriptionResult>",
            )

        return confirm_subscription

    def _restore(self, topic: dict, token: str) -> None:
        cancelled = self._cancelled.get(token)
        if cancelled and cancelled["topic_arn"] == topic["arn"]:
            del self._cancelled[token]
            topic["subscriptions"].append(cancelled)
            sns._sub_arn_to_topic[cancelled["arn"]] = topic["arn"]

    def unsubscribing(self, unsubscribe: Handler) -> Handler:
        def unsubscribe_email(params: Params) -> tuple:
            arn = sns._p(params, "SubscriptionArn")
            topic_arn = sns._sub_arn_to_topic.get(arn)
            topic = sns._topic_by_arn_any_scope(topic_arn) if topic_arn else None
            subscription = sns._find_subscription(topic_arn, arn) if topic_arn and topic else None
            answer = unsubscribe(params)
            # Only the link in a mail contains the address. A call by the topic's owner sends no mail.
            if topic is None or subscription is None:
                return answer
            by_link = sns._p(params, "Endpoint") == subscription["endpoint"]
            if answer[0] == 200 and by_link and subscription["protocol"] in PROTOCOLS:
                self._send_unsubscribe_confirmation(topic, subscription)
            return answer

        return unsubscribe_email

    def _send_unsubscribe_confirmation(self, topic: dict, subscription: Subscription) -> None:
        token = secrets.token_hex(64)
        self._cancelled[token] = {**subscription, "confirmed": False, "token": token}
        self._send(
            topic,
            subscription,
            "AWS Notification - Unsubscribe Confirmation",
            CANCELLATION.format(
                topic_arn=topic["arn"],
                link=self._link("ConfirmSubscription", TopicArn=topic["arn"], Token=token),
            ),
        )

    # ---- notifications

    def fanning_out(self, fanout: Callable[..., None]) -> Callable[..., None]:
        def fan_out(
            topic_arn: str,
            message_id: str,
            message: str,
            subject: str,
            message_structure: str = "",
            message_attributes: dict | None = None,
            **fifo: str,
        ) -> None:
            fanout(topic_arn, message_id, message, subject, message_structure, message_attributes, **fifo)
            topic = sns._topic_by_arn_any_scope(topic_arn)
            if topic is None:
                return
            for subscription in topic["subscriptions"]:
                if subscription["protocol"] not in PROTOCOLS or not subscription["confirmed"]:
                    continue
                text = sns._resolve_message_for_protocol(message, message_structure, subscription["protocol"])
                if sns._matches_filter_policy(subscription, message_attributes or {}, text):
                    self._notify(topic, subscription, message_id, text, subject, message_attributes or {})

        return fan_out

    def _notify(
        self,
        topic: dict,
        subscription: Subscription,
        message_id: str,
        text: str,
        subject: str,
        attributes: dict,
    ) -> None:
        link = self._link("Unsubscribe", SubscriptionArn=subscription["arn"], Endpoint=subscription["endpoint"])
        if subscription["protocol"] == "email-json":
            envelope = json.loads(sns._build_envelope(topic["arn"], message_id, text, subject, attributes, raw=False))
            text = json.dumps({**envelope, "UnsubscribeURL": link}, indent=2, ensure_ascii=False)
        self._send(topic, subscription, subject or DEFAULT_SUBJECT, text + FOOTER.format(link=link), message_id)

    def _send(self, topic: dict, subscription: Subscription, subject: str, body: str, message_id: str = "") -> None:
        self._post.send(
            Mail(
                recipient=subscription["endpoint"],
                subject=subject,
                body=body,
                topic_arn=topic["arn"],
                message_id=message_id or new_uuid(),
                sender_name=topic["attributes"].get("DisplayName") or SENDER_NAME,
            )
        )

    def _link(self, action: str, **parameters: str) -> str:
        query = urllib.parse.urlencode({"Action": action, **parameters}, safe=":@")
        return f"{self._context.endpoint}/?{query}"


def _subscription_problem(topic: dict, protocol: str, endpoint: str, params: Params) -> str | None:
    if sns._is_fifo_topic(topic):
        return f"Invalid protocol type: {protocol}"
    if not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", endpoint or ""):  # printable ASCII on both sides of one @
        return "Email address"
    policy = _given_attributes(params).get("FilterPolicy")
    if policy:
        try:
            json.loads(policy)
        except ValueError:
            return "FilterPolicy: failed to parse JSON."
    return None


def _given_attributes(params: Params) -> dict[str, str]:
    given = {}
    number = 1
    while name := sns._p(params, f"Attributes.entry.{number}.key"):
        given[name] = sns._p(params, f"Attributes.entry.{number}.value")
        number += 1
    return {name: value for name, value in given.items() if name in SUBSCRIPTION_ATTRIBUTES}


def _hiding_pending_arns(list_subscriptions: Handler) -> Handler:
    """For a pending subscription, SNS lists "PendingConfirmation" instead of the ARN."""

    def list_with_pending(params: Params) -> tuple:
        status, headers, body = list_subscriptions(params)
        for topic in sns._topics.values():
            for subscription in topic["subscriptions"]:
                if not subscription["confirmed"]:
                    arn = f"<SubscriptionArn>{subscription['arn']}</SubscriptionArn>".encode()
                    body = body.replace(arn, b"<SubscriptionArn>PendingConfirmation</SubscriptionArn>")
        return status, headers, body

    return list_with_pending


# ---- what Publish checks ----------------------------------------------------------------------------------


def publish_problem(message: str, subject: str, structure: str) -> str | None:
    """SNS's error for a message that it rejects, or None."""
    if not message:
        return "Empty message"
    if subject and (len(subject) > MAX_SUBJECT_CHARACTERS or _has_control_characters(subject)):
        return "Subject"
    if not structure:
        return None
    if structure != "json":
        return "MessageStructure"
    try:
        parsed = json.loads(message)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        return "Message Structure - JSON message body failed to parse"
    if not isinstance(parsed.get("default"), str):
        return "Message Structure - No default entry in JSON message body"
    return None


def _has_control_characters(text: str) -> bool:
    return any(ord(character) < 32 or ord(character) in (127, 0x85, 0x2028, 0x2029) for character in text)


def _with_attributes_as_parameters(publish: Handler) -> Handler:
    """Converts the MessageAttributes of a state machine's sns:publish from a document to query parameters.
    MiniStack reads only these. Without them, filter policies would not match."""

    def publish_with_attributes(params: Params) -> tuple:
        attributes = params.get("MessageAttributes")
        if isinstance(attributes, dict):
            params = dict(params)
            for number, (name, value) in enumerate(attributes.items(), 1):
                entry = f"MessageAttributes.entry.{number}"
                params[f"{entry}.Name"] = name
                params.update({f"{entry}.Value.{key}": part for key, part in value.items()})
        return publish(params)

    return publish_with_attributes


def _checked_publish(publish: Callable[..., dict | None]) -> Callable[..., dict | None]:
    def publish_checked(topic_arn: str, message: Any, subject: str = "", **options: Any) -> dict | None:
        text = json.dumps(message) if isinstance(message, (dict, list)) else message
        problem = publish_problem(text, subject, options.get("message_structure", ""))
        if problem:
            raise sns.SnsPublishError("InvalidParameter", f"Invalid parameter: {problem}")
        return publish(topic_arn, text, subject, **options)

    return publish_checked


def _checked_batch(
    parse: Callable[[Params], list[dict]], publish_batch: Handler
) -> tuple[Callable[[Params], list[dict]], Handler]:
    """An invalid entry of PublishBatch fails. The others are published."""

    def problem_of(entry: dict) -> str | None:
        return publish_problem(entry["message"], entry["subject"], entry["message_structure"])

    def good_entries(params: Params) -> list[dict]:
        return [entry for entry in parse(params) if not problem_of(entry)]

    def publish_good_entries(params: Params) -> tuple:
        entries = parse(params)
        failed = "".join(
            f"<member><Id>{sns._xml_escape(entry['id'])}</Id><Code>InvalidParameter</Code>"
            f"<Message>Invalid parameter: {sns._xml_escape(problem)}</Message>"
            "<SenderFault>true</SenderFault></member>"
            for entry in entries
            if (problem := problem_of(entry))
        )
        ids = [entry["id"] for entry in entries]
        if len(ids) > 10 or len(set(ids)) < len(ids):
            sns_error = ("TooManyEntriesInBatchRequest", "The batch request contains more than 10 entries.")
            if len(ids) <= 10:
                sns_error = ("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
            return sns._error(*sns_error, 400)
        if failed and not good_entries(params):
            _, error = sns._get_topic(sns._p(params, "TopicArn"), "sns:Publish")
            result = f"<PublishBatchResult><Successful/><Failed>{failed}</Failed></PublishBatchResult>"
            return error or sns._xml(200, "PublishBatchResponse", result)
        status, headers, body = publish_batch(params)
        return status, headers, body.replace(b"<Failed>", b"<Failed>" + failed.encode(), 1)

    return good_entries, publish_good_entries
