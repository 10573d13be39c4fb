"""Fetches the URLs of its event and says which are well, how fast each was, and what is wrong with the others.

Event:  {"urls": ["https://…", {"url": "https://…", "status": 200, "contains": "text"}], "timeout": 10}
Result: {"ok": false, "failed": 1, "checks": [{"url", "ok", "status", "milliseconds", "error"}]}

The standard library only. The URLs are fetched at the same time, so a slow one does not hold up the others.
"""

import json
import os
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_SECONDS = float(os.environ.get("TIMEOUT_SECONDS", "10"))
# Enough for a few hundred URLs within the function's time, few enough for its memory.
WORKERS = 16
# No page has to be read further than this to be judged.
BODY_BYTES_MAX = 1 << 20


def main_handler(event, context):
    """Checks every URL; the order of the results is the order of the URLs."""
    urls = [{"url": url} if isinstance(url, str) else url for url in event.get("urls", [])]
    if not urls:
        raise ValueError('the event needs "urls", a list of URLs')
    timeout = float(event.get("timeout", TIMEOUT_SECONDS))
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(urls))) as pool:
        checks = list(pool.map(lambda target: check(target, timeout), urls))
    failed = [result for result in checks if not result["ok"]]
    for result in failed:
        print(json.dumps(result, ensure_ascii=False))
    return {"ok": not failed, "failed": len(failed), "checks": checks}


def check(target, timeout):
    """One URL: its status, its time, and the reason where it is not well."""
    started = time.monotonic()
    status, error = None, None
    try:
        status, body = fetch(target["url"], timeout)
        error = judge(target, status, body)
    except (OSError, ValueError) as problem:  # refused, timed out, unknown host, bad TLS; no URL at all
        error = str(getattr(problem, "reason", problem)) or type(problem).__name__
    milliseconds = round((time.monotonic() - started) * 1000)
    return {"url": target["url"], "ok": error is None, "status": status, "milliseconds": milliseconds, "error": error}


def fetch(url, timeout):
    """The status and the beginning of the body; an error status is an answer, too."""
    request = urllib.request.Request(url, headers={"User-Agent": "skiff-probe"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read(BODY_BYTES_MAX)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read(BODY_BYTES_MAX)


def judge(target, status, body):
    """What is wrong with an answer, or None."""
    wanted = target.get("status")
    if wanted is not None and status != wanted:
        return f"status {status}, expected {wanted}"
    if wanted is None and status >= 400:
        return f"status {status}"
    text = target.get("contains")
    if text is not None and text.encode() not in body:
        return f"the page does not contain {text!r}"
    return None
