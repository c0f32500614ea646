"""What django-allauth asks us: who may sign in, how we keep secrets, whom the hospital names."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jieli.directory import actions
from jieli.directory.models import Account, AccountEvent, Practitioner
from jieli.directory.queries.accounts import wrong_since
from jieli.rules.throttle import ALARM
from jieli.web.now import wall
from jieli.web.signin import device, guessing, proofs

TRUST = "allauth.mfa.stages.TrustStage"  # our page of codes asks it in the same step


class Accounts(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return [stage for stage in super().get_login_stages() if stage != TRUST]

    def get_client_ip(self, request: HttpRequest) -> str:
        return guessing.address(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        return HttpResponseRedirect("/signin/")

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say it themselves."""

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Accounts have no mail address; the security page shows what happened."""

    def pre_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse | None:
        request.guessed = wrong_since(user, user.last_login)  # type: ignore[attr-defined]
        return super().pre_login(request, user, **kwargs)

    def post_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        request.session.set_expiry(None)  # it was short until here
        device.remember(request, response, user.pk)
        proofs.remember(request, "password")
        guessed = getattr(request, "guessed", 0)
        if guessed >= ALARM:
            words = ngettext(
                "%(n)s wrong password was sent for your account since you last signed in.",
                "%(n)s wrong passwords were sent for your account since you last signed in.",
                guessed,
            )
            messages.warning(request, words % {"n": guessed})
        return response


class Factors(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": _("Jieli")}

    def get_public_key_credential_user_entity(self, user: Account) -> dict[str, Any]:
        person = Practitioner.objects.filter(account=user).first()
        name = f"{person.name} {user.login}" if person else user.login
        return {**super().get_public_key_credential_user_entity(user), "display_name": name}


def _box() -> MultiFernet:
    """By the secret of the installation; older secrets still open what they closed."""
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    digests = [hashlib.sha256(b"jieli.factors|" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class SingleSignOn(DefaultSocialAccountAdapter):
    """The hospital's own sign-in opens accounts that exist; it never makes one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        number = claimed(sociallogin.account.extra_data)
        sociallogin.account.extra_data, sociallogin.email_addresses = {}, []  # not ours to keep
        person = Practitioner.objects.select_related("account").filter(number=number).first()
        if not number or person is None or person.account is None or not person.account.is_active:
            raise turned_away(request, "unknown")
        if sociallogin.is_existing:
            if sociallogin.user.pk != person.account.pk:
                raise turned_away(request, "other")
            return
        self._link(request, sociallogin, person, person.account)

    def _link(
        self, request: HttpRequest, sociallogin: Any, person: Practitioner, account: Account
    ) -> None:
        """Once for each person: whoever comes later with the same number is somebody else."""
        provider = sociallogin.account.provider
        with transaction.atomic():
            Account.objects.select_for_update(no_key=True).get(pk=account.pk)
            if SocialAccount.objects.filter(user=account, provider=provider).exists():
                raise turned_away(request, "other")
            sociallogin.connect(request, account)
            actions.note(AccountEvent.Kind.LINKED, person, by=person, now=wall())

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        raise turned_away(request, "failed")


def claimed(data: dict[str, Any]) -> str:
    """The staff number that the hospital vouches for; two that differ are none."""
    said = {
        str(part[settings.OIDC_CLAIM]).strip()
        for part in (data.get("id_token"), data.get("userinfo"))
        if isinstance(part, dict) and part.get(settings.OIDC_CLAIM)
    }
    return said.pop() if len(said) == 1 else ""


def turned_away(request: HttpRequest, why: str) -> ImmediateHttpResponse:
    page = render(request, "web/signin/turned_away.html", {"why": why}, status=403)
    return ImmediateHttpResponse(page)
