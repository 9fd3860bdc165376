"""Puts a task on the list "reference" as Celery itself does, for a comparison with what the gateway writes."""

import json
import os
import sys

from celery import Celery

app = Celery("reference", broker=os.environ["BROKER_URL"])
app.send_task(
    "orchestrator.tasks.handle_message",
    args=[json.loads(sys.argv[1])],
    task_id=sys.argv[2],
    queue="reference",
    ignore_result=True,
    reply_to="",
    headers={"traceparent": sys.argv[3]},
)
