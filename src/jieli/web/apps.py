from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "jieli.web"
    label = "web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The front door joins what may not know each other: it stands above them all."""
        from jieli.web import wiring  # noqa: PLC0415 models are loaded only now

        wiring.join()
