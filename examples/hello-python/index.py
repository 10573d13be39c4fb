"""Greets by name: what an event, a context, an environment variable and a log line are."""

import os

# Runs once per instance, before its first event.
GREETING = os.environ.get("GREETING", "Hello")


def main_handler(event, context):
    """Called once per event; what it returns becomes JSON."""
    name = event.get("name") or "world"
    print(f"greeting {name}")  # to the log: `skiff logs hello-python`
    return {"message": f"{GREETING}, {name}!", "request_id": context["request_id"]}
