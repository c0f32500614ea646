from django.apps import AppConfig


class Guidance(AppConfig):
    name = "jieli.guidance"
    label = "guidance"
    default_auto_field = "django.db.models.BigAutoField"
