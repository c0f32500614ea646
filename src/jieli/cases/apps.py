from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "jieli.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"
