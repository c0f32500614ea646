from django.apps import AppConfig


class ChartConfig(AppConfig):
    name = "jieli.chart"
    label = "chart"
    default_auto_field = "django.db.models.BigAutoField"
