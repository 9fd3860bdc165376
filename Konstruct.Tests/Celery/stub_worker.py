"""The stub orchestrator as a Celery worker: its scenarios and words, published as the platform does it, as plain chunk and done payloads.

It takes the environment variables of the other stubs: ConnectionStrings__redis, for tasks and answers, and ASPNETCORE_URLS for /alive and /health.
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import redis
from celery import Celery, signals

sys.path.insert(0, str(Path(__file__).parents[2] / "clients/python/tests"))

from stub_worker import Scenario, redis_url, tokens_of  # noqa: E402

URL = redis_url(os.environ["ConnectionStrings__redis"])

app = Celery("orchestrator", broker=URL)
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_max_retries = None
answers = redis.Redis.from_url(URL)
ready = threading.Event()


@app.task(name="orchestrator.tasks.handle_message", acks_late=True)
def handle_message(task_payload):
    channel = f"{task_payload['tenant_id']}:webchat:response:{task_payload['conversation_id']}"
    text = task_payload["content"]["text"]
    scenario = Scenario.of(text)
    began = time.monotonic() + scenario.delay / 1000
    said = ""
    for i, token in enumerate(tokens_of(text, scenario)):
        due = began + (i / scenario.rate if scenario.rate else 0)
        time.sleep(max(due - time.monotonic(), 0))
        publish(channel, {"type": "chunk", "text": token})
        said += token
    publish(channel, {"type": "done", "text": said, "conversation_id": task_payload["conversation_id"]})


def publish(channel, payload):
    """Tries for half a minute: an answer outlives a connection. Otherwise the task would fail, and its turn at the deadline."""
    limit = time.monotonic() + 30
    while True:
        try:
            answers.publish(channel, json.dumps(payload))
            return
        except (redis.ConnectionError, redis.TimeoutError):
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


class Probe(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if ready.is_set() or self.path == "/alive" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        """Probes are not worth a line."""


@signals.worker_ready.connect
def note_ready(**_):
    ready.set()


if __name__ == "__main__":
    address = ("127.0.0.1", urllib.parse.urlsplit(os.environ["ASPNETCORE_URLS"]).port)
    threading.Thread(target=http.server.ThreadingHTTPServer(address, Probe).serve_forever, daemon=True).start()
    app.worker_main(["worker", "-P", "threads", "-c", "400", "-l", "INFO", "-n", f"{os.getpid()}@stub", "--without-gossip", "--without-mingle"])
