"""A function that stands for all others while an instance warms itself."""
import json
import os


class Probe:
    def __init__(self, name):
        self.name = name


def main_handler(event, context):
    probe = Probe(f"{event!r}"[:8])
    return {"name": probe.name, "size": len(json.dumps(event)), "path": os.getcwd()}
