from django.apps import AppConfig


class PagerConfig(AppConfig):
    name = "jieli.pager"
    label = "pager"
    default_auto_field = "django.db.models.BigAutoField"
