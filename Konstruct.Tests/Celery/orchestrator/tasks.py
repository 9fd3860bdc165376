"""The platform's task in the tests' hands: a message's text is a list of steps in JSON, and anything else is answered word by word.

It publishes the original's two payloads and knows nothing of turns. The step "echo" makes it add turn_id, which is the one line that
docs/guide/orchestrator.md recommends.
"""

import json
import os

import redis
from celery import Celery

app = Celery("orchestrator", broker=os.environ["BROKER_URL"])
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"visibility_timeout": float(os.environ.get("VISIBILITY_TIMEOUT", "3600"))}
answers = redis.Redis.from_url(os.environ["REDIS_URL"])

HEADERS = ("lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id", "parent_id", "argsrepr")
MORE_HEADERS = ("kwargsrepr", "origin", "ignore_result", "traceparent", "correlation_id", "reply_to", "delivery_info", "callbacks", "errbacks", "chain", "chord")


@app.task(bind=True, acks_late=True)
def handle_message(self, task_payload):
    tenant_id, conversation_id = task_payload["tenant_id"], task_payload["conversation_id"]
    seen = {name: self.request.get(name) for name in HEADERS + MORE_HEADERS}
    answers.rpush(f"seen:{task_payload['turn_id']}", json.dumps({"payload": task_payload, "request": seen}))
    turn = {}

    def publish(payload):
        answers.publish(f"{tenant_id}:webchat:response:{conversation_id}", json.dumps(payload | turn) if isinstance(payload, dict) else payload)

    def done(text):
        publish({"type": "done", "text": text, "conversation_id": conversation_id})

    text = task_payload["content"]["text"]
    if not text.startswith("["):
        words = [word + " " for word in text.split()]
        for word in words:
            publish({"type": "chunk", "text": word})
        done("".join(words))
        return

    for step, value in json.loads(text):
        if step == "chunk":
            publish({"type": "chunk", "text": value})
        elif step == "chunks":
            for i in range(value):
                publish({"type": "chunk", "text": f"{i} "})
        elif step == "done":
            done(value)
        elif step == "raw":
            publish(value)
        elif step == "echo":
            turn = {"turn_id": task_payload["turn_id"]}
        elif step == "fail":
            raise RuntimeError(value)
        elif step == "wait":
            answers.blpop(f"go:{conversation_id}:{value}", timeout=120)
