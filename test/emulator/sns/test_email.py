"""E-mail subscriptions against the running emulator: confirmation, mail text, subject rules, unsubscribing.

Expectations are from the SNS API reference (Publish, Subscribe, ConfirmSubscription, Unsubscribe) and from
the mails that SNS sends.
"""

from __future__ import annotations

import json
import re
import urllib.request
from email.message import EmailMessage

import pytest
from botocore.exceptions import ClientError
from emulator_stack import PROJECT_ROOT, Stack, start_stack, unique, wait_for

FOOTER = (
    "--\n"
    "If you wish to stop receiving notifications from this topic, please click or visit the link below to "
    "unsubscribe:\n"
)


def text(mail: EmailMessage) -> str:
    return mail.get_content().replace("\r\n", "\n")


def link_in(mail: EmailMessage) -> str:
    link = re.search(r"http://127\.0\.0\.1:\S+", text(mail))
    assert link
    return link.group()


def visit(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status


def mails(stack: Stack, address: str, count: int) -> list[EmailMessage]:
    """The mails for an address once `count` of them are there."""
    return wait_for(
        f"{count} mails for {address}",
        lambda: found if len(found := stack.mails(address)) >= count else None,
        timeout_seconds=5,
    )


@pytest.fixture
def topic(stack: Stack) -> str:
    return stack.client("sns").create_topic(Name=unique("PipelineSuccess"))["TopicArn"]


@pytest.fixture
def address() -> str:
    return f"{unique('team')}@example.com"


def subscribe(stack: Stack, topic: str, address: str, protocol: str = "email", **attributes: str) -> str:
    """Subscribe and confirm by the link in the mail; returns the subscription's ARN."""
    sns = stack.client("sns")
    sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=address, Attributes=attributes)
    visit(link_in(mails(stack, address, 1)[0]))
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return next(entry["SubscriptionArn"] for entry in listed if entry["Endpoint"] == address)


def test_a_subscription_waits_for_the_link_in_its_confirmation_mail(stack, topic, address):
    sns = stack.client("sns")
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    assert answer["SubscriptionArn"] == "pending confirmation"
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [entry["SubscriptionArn"] for entry in listed] == ["PendingConfirmation"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    sns.publish(TopicArn=topic, Message="too early")

    [confirmation] = mails(stack, address, 1)
    assert confirmation["From"] == "AWS Notifications <no-reply@sns.amazonaws.com>"
    assert confirmation["To"] == address
    assert confirmation["Subject"] == "AWS Notification - Subscription Confirmation"
    assert text(confirmation).startswith(
        f"You have chosen to subscribe to the topic:\n{topic}\n\n"
        "To confirm this subscription, click or visit the link below "
        "(If this was in error no action is necessary):\n"
    )
    assert visit(link_in(confirmation)) == 200
    [entry] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert entry["SubscriptionArn"].startswith(f"{topic}:")
    attributes = sns.get_subscription_attributes(SubscriptionArn=entry["SubscriptionArn"])["Attributes"]
    assert attributes["PendingConfirmation"] == "false"

    sns.publish(TopicArn=topic, Message="now")
    assert text(mails(stack, address, 2)[1]).startswith("now\n\n--\n")
    assert len(stack.mails(address)) == 2


def test_confirm_subscription_takes_the_token_of_the_mail_and_no_other(stack, topic, address):
    sns = stack.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    link = re.search(r"Token=(\w+)", text(mails(stack, address, 1)[0]))
    assert link
    token = link.group(1)
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.confirm_subscription(TopicArn=topic, Token="0" * 128)
    first = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    again = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    assert first == again


def test_subscribing_again_sends_the_confirmation_again(stack, topic, address):
    for _ in range(2):
        stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    first, second = mails(stack, address, 2)
    assert link_in(first) == link_in(second)
    listed = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert len(listed) == 1


def test_an_endpoint_that_is_no_address_is_refused(stack, topic):
    with pytest.raises(ClientError, match=r"InvalidParameter.*Email address"):
        stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="nobody")


def test_the_mail_has_subject_utf8_text_and_a_working_unsubscribe_link(stack, topic, address):
    sns = stack.client("sns")
    arn = subscribe(stack, topic, address)
    body = "Übersicht für 2026-11-21: 1 234 € · ✓\n\n  indented\n" + "long " * 400
    sns.publish(TopicArn=topic, Subject="Pipeline succeeded: 1 234 € ✓", Message=body)
    notification = mails(stack, address, 2)[1]
    assert notification["Subject"] == "Pipeline succeeded: 1 234 € ✓"
    assert notification.get_content_type() == "text/plain"
    assert text(notification).startswith(f"{body}\n\n{FOOTER}")
    assert f"SubscriptionArn={arn}" in text(notification)
    assert "contact us at https://aws.amazon.com/support" in text(notification)

    assert visit(link_in(notification)) == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.publish(TopicArn=topic, Message="nobody is there")
    farewell = mails(stack, address, 3)[2]
    assert farewell["Subject"] == "AWS Notification - Unsubscribe Confirmation"

    assert visit(link_in(farewell)) == 200  # this link subscribes the address again
    sns.publish(TopicArn=topic, Message="back again")
    assert text(mails(stack, address, 4)[3]).startswith("back again\n")


def test_without_a_subject_the_mail_is_called_aws_notification_message(stack, topic, address):
    subscribe(stack, topic, address)
    stack.client("sns").publish(TopicArn=topic, Message="plain")
    notification = mails(stack, address, 2)[1]
    assert notification["Subject"] == "AWS Notification Message"
    assert "PipelineSuccess" in sorted(path.name for path in stack.mail_dir.glob("*.eml"))[-1]


def test_the_display_name_of_the_topic_is_the_senders_name(stack, topic, address):
    subscribe(stack, topic, address)
    sns = stack.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="Data team")
    sns.publish(TopicArn=topic, Message="hello")
    assert mails(stack, address, 2)[1]["From"] == "Data team <no-reply@sns.amazonaws.com>"


@pytest.mark.parametrize("subject", ["two\nlines", "carriage\rreturn", "tab\there", "x" * 101])
def test_a_subject_with_line_breaks_or_over_100_characters_is_refused(stack, topic, subject):
    with pytest.raises(ClientError, match=r"InvalidParameter\).*Invalid parameter: Subject"):
        stack.client("sns").publish(TopicArn=topic, Subject=subject, Message="text")


def test_a_subject_of_100_characters_is_taken(stack, topic, address):
    subscribe(stack, topic, address)
    stack.client("sns").publish(TopicArn=topic, Subject="ü" * 100, Message="text")
    assert mails(stack, address, 2)[1]["Subject"] == "ü" * 100


def test_an_empty_message_is_refused(stack, topic):
    with pytest.raises(ClientError, match=r"InvalidParameter.*Empty message"):
        stack.client("sns").publish(TopicArn=topic, Message="")


def test_message_structure_json_sends_each_protocol_its_own_text(stack, topic, address):
    sns = stack.client("sns")
    subscribe(stack, topic, address)
    message = json.dumps({"default": "short", "email": "long for mail"})
    sns.publish(TopicArn=topic, Message=message, MessageStructure="json")
    assert text(mails(stack, address, 2)[1]).startswith("long for mail\n")
    with pytest.raises(ClientError, match="No default entry in JSON message body"):
        sns.publish(TopicArn=topic, Message='{"email": "only"}', MessageStructure="json")
    with pytest.raises(ClientError, match="JSON message body failed to parse"):
        sns.publish(TopicArn=topic, Message="{", MessageStructure="json")


def test_a_filter_policy_decides_which_mails_are_sent(stack, topic, address):
    sns = stack.client("sns")
    subscribe(stack, topic, address, FilterPolicy=json.dumps({"outcome": ["failed"]}))
    for outcome in ("succeeded", "failed"):
        sns.publish(
            TopicArn=topic,
            Message=outcome,
            MessageAttributes={"outcome": {"DataType": "String", "StringValue": outcome}},
        )
    assert text(mails(stack, address, 2)[1]).startswith("failed\n")
    assert len(stack.mails(address)) == 2


def test_the_attributes_of_a_state_machines_publish_reach_the_filter(stack, topic, address):
    """Step Functions hands MessageAttributes over as a document, not as query parameters."""
    subscribe(stack, topic, address, FilterPolicy=json.dumps({"outcome": ["failed"]}))
    states = stack.client("stepfunctions")
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn": topic,
            "Message.$": "$.outcome",
            "MessageAttributes": {"outcome": {"DataType": "String", "StringValue.$": "$.outcome"}},
        },
        "End": True,
    }
    machine = states.create_state_machine(
        name=unique("notify"),
        roleArn="arn:aws:iam::000000000000:role/test",
        definition=json.dumps({"StartAt": "Notify", "States": {"Notify": publish}}),
    )["stateMachineArn"]
    for outcome in ("succeeded", "failed"):
        states.start_execution(stateMachineArn=machine, input=json.dumps({"outcome": outcome}))
    assert text(mails(stack, address, 2)[1]).startswith("failed\n")


def test_email_json_holds_the_notification_document(stack, topic, address):
    subscribe(stack, topic, address, protocol="email-json")
    message_id = stack.client("sns").publish(TopicArn=topic, Subject="Über", Message="Text")["MessageId"]
    document = json.loads(text(mails(stack, address, 2)[1]).partition("\n\n--\n")[0])
    wanted = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic, "Subject": "Über"}
    assert {key: document[key] for key in wanted} == wanted
    assert document["Message"] == "Text"
    assert "Action=Unsubscribe" in document["UnsubscribeURL"]


def test_publish_batch_sends_good_entries_and_names_the_bad_ones(stack, topic, address):
    subscribe(stack, topic, address)
    entries = [
        {"Id": "first", "Message": "one", "Subject": "First"},
        {"Id": "bad", "Message": "two", "Subject": "a\nb"},
        {"Id": "last", "Message": "three"},
    ]
    answer = stack.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["first", "last"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
        ("bad", "InvalidParameter", True)
    ]
    sent = mails(stack, address, 3)[1:]
    assert [mail["Subject"] for mail in sent] == ["First", "AWS Notification Message"]


def test_each_mail_is_one_numbered_file_named_after_its_topic(stack, topic, address):
    subscribe(stack, topic, address)
    stack.client("sns").publish(TopicArn=topic, Message="text")
    mails(stack, address, 2)
    name = topic.rpartition(":")[2]
    mine = sorted(path.name for path in stack.mail_dir.iterdir() if name in path.name)
    assert [re.fullmatch(rf"\d{{4}}-{name}\.eml", file) is not None for file in mine] == [True, True]
    numbers = [int(path.name[:4]) for path in sorted(stack.mail_dir.glob("*.eml"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_mails_of_one_topic_arrive_in_the_order_of_publishing(stack, topic, address):
    subscribe(stack, topic, address)
    for number in range(10):
        stack.client("sns").publish(TopicArn=topic, Subject=f"Run {number}", Message="x")
    subjects = [mail["Subject"] for mail in mails(stack, address, 11)[1:]]
    assert subjects == [f"Run {number}" for number in range(10)]


def test_an_undelivered_mail_is_reported_and_counted(tmp_path):
    launcher = tmp_path / "launch.py"
    launcher.write_text(
        f"import sys; sys.path[0] = {str(PROJECT_ROOT)!r}\n"
        "from emulator.core import server; from emulator.sns import mailbox\n"
        "mailbox.start = lambda context: 1  # nobody listens there\n"
        "server.PARTS = ('sns.email',)\n"
        "server.main()\n"
    )
    broken = start_stack(tmp_path / "state", launcher=launcher)
    sns = broken.client("sns")
    topic = sns.create_topic(Name="PipelineFailure")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")
    assert broken.process.stderr is not None
    line = broken.process.stderr.readline().decode()
    broken.stop()
    assert "'AWS Notification - Subscription Confirmation' to team@example.com was not delivered" in line
    assert line.rstrip().endswith("(1 undelivered so far)")
