"""A function that stands for all others while an instance warms itself: it does what every one does."""
import os

REGION = os.environ.get("TENCENTCLOUD_REGION")


def main_handler(event, context):
    return {"event": event, "region": REGION}
