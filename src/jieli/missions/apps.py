from django.apps import AppConfig


class Missions(AppConfig):
    name = "jieli.missions"
    label = "missions"
    default_auto_field = "django.db.models.BigAutoField"
