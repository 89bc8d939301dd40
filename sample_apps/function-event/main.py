"""A background function: what Pub/Sub publishes arrives as two arguments."""

import base64


def on_message(event, context):
    text = base64.b64decode(event["data"]).decode()
    print(f"{context.event_type} {context.event_id}: {text}")
