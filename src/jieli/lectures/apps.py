from django.apps import AppConfig


class Lectures(AppConfig):
    name = "jieli.lectures"
    label = "lectures"
    default_auto_field = "django.db.models.BigAutoField"
