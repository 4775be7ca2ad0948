"""How the parts are wired together; no rule of the business."""

from platform_config.celery import app as celery_app

__all__ = ["celery_app"]
