"""The one request a started function gets: plain HTTP, a background event, or a CloudEvent.

The events are shaped as Pub/Sub and Cloud Storage send them; functions-framework-python 3.10.2 for
what it takes.
"""

from __future__ import annotations

import json

from predeploy.app.tree import Unreadable
from predeploy.hosts.cloud_functions_source import signature, source_path, target_function
from predeploy.model.decisions import Call
from predeploy.rules.case import Case

TIMEOUT_SECONDS = 60
"""The platform's default limit of one request."""

EVENT_ID = "1234567890"
HELLO = "aGVsbG8="
"""``hello`` in base64, as Pub/Sub carries it."""

TOPIC = "projects/predeploy/topics/predeploy"
BUCKET = "predeploy"

STORAGE_SIGNS = (b"bucket", b"StorageObjectData", b"storage_fn")
"""Words of a source file that expects events of Cloud Storage."""


def call_for(case: Case) -> Call:
    """Return the request that fits the target's signature type."""
    kind = signature(case)
    if kind == "event":
        return _background_event(case)
    if kind == "cloudevent":
        return _cloud_event(case)
    if kind == "typed":
        return _posted("a JSON object", {})
    function = target_function(case)
    if function is not None and "on_call" in function.decorators:
        return _posted("a call of a Firebase client", {"data": {}})
    return Call(what="an HTTP request", timeout_seconds=TIMEOUT_SECONDS)


def event_of(case: Case) -> str:
    """Return whose event is sent: the setting's, else what the source file seems to expect."""
    given = case.setting("event")
    if given is not None:
        return given
    try:
        source = case.tree.read(source_path(case))
    except Unreadable:
        return "pubsub"
    return "storage" if any(sign in source for sign in STORAGE_SIGNS) else "pubsub"


def _time(case: Case) -> str:
    return f"{case.snapshot.as_of.isoformat()}T12:00:00.000Z"


def _object(case: Case) -> dict[str, object]:
    """Return a file of Cloud Storage as its events describe it."""
    moment = _time(case)
    return {
        "bucket": BUCKET,
        "name": "hello.txt",
        "contentType": "text/plain",
        "metageneration": "1",
        "size": "5",
        "timeCreated": moment,
        "updated": moment,
    }


def _background_event(case: Case) -> Call:
    if event_of(case) == "storage":
        data: dict[str, object] = _object(case)
        kind, service = "google.storage.object.finalize", "storage.googleapis.com"
        resource = f"projects/_/buckets/{BUCKET}/objects/hello.txt"
    else:
        name = "type.googleapis.com/google.pubsub.v1.PubsubMessage"
        data = {"@type": name, "data": HELLO, "attributes": {}}
        kind, service, resource = "google.pubsub.topic.publish", "pubsub.googleapis.com", TOPIC
    context = {
        "eventId": EVENT_ID,
        "timestamp": _time(case),
        "eventType": kind,
        "resource": {"service": service, "name": resource, "type": name_of(kind)},
    }
    return _posted(f"a background event ({kind})", {"context": context, "data": data})


def name_of(kind: str) -> str:
    """Return the resource type that a background event of this type carries."""
    if kind.startswith("google.pubsub"):
        return "type.googleapis.com/google.pubsub.v1.PubsubMessage"
    return "storage#object"


def _cloud_event(case: Case) -> Call:
    if event_of(case) == "storage":
        kind, body = "google.cloud.storage.object.v1.finalized", _object(case)
        source, subject = f"//storage.googleapis.com/projects/_/buckets/{BUCKET}", "objects/hello.txt"
    else:
        kind, source, subject = "google.cloud.pubsub.topic.v1.messagePublished", "", ""
        source = f"//pubsub.googleapis.com/{TOPIC}"
        message = {"data": HELLO, "messageId": EVENT_ID, "publishTime": _time(case), "attributes": {}}
        body = {"message": message, "subscription": "projects/predeploy/subscriptions/predeploy"}
    headers = {
        "ce-id": EVENT_ID,
        "ce-source": source,
        "ce-specversion": "1.0",
        "ce-type": kind,
        "ce-time": _time(case),
        **({"ce-subject": subject} if subject else {}),
    }
    return _posted(f"a CloudEvent ({kind})", body, headers)


def _posted(what: str, body: dict[str, object], headers: dict[str, str] | None = None) -> Call:
    return Call(
        what=what,
        method="POST",
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(body),
        timeout_seconds=TIMEOUT_SECONDS,
    )
