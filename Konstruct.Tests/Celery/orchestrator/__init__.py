"""An orchestrator as the platform has it, for the tests: a Celery application with one task."""
