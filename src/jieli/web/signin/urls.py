from django.urls import path

from jieli.web.signin import again, entry, security, services, staff

# django-allauth leads to these by name.
urlpatterns = [
    path("signin/", entry.sign_in, name="signin"),
    path("signin/", entry.sign_in, name="account_login"),
    path("signin/passkey/", entry.passkey, name="mfa_login_webauthn"),
    path("signin/code/", entry.code, name="mfa_authenticate"),
    path("signin/code/passkey/", entry.code_passkey, name="code_passkey"),
    path("signin/sso/<slug:provider_id>/", entry.sso, name="openid_connect_login"),
    path("signin/sso/<slug:provider_id>/answer/", entry.sso_answer, name="openid_connect_callback"),
    path("signin/invitations/<str:token>/", entry.invitation_link, name="invitation_link"),
    path("signin/invitation/", entry.invitation, name="invitation"),
    path("me/again/", again.again, name="again"),
    path("me/again/passkey/", again.again_passkey, name="again_passkey"),
    path("me/security/", security.security, name="security"),
    path("me/security/passkeys/", security.passkeys_, name="passkeys"),
    path(
        "me/security/passkeys/<int:passkey>/removal/",
        security.passkey_removal,
        name="passkey_removal",
    ),
    path("me/security/app/", security.app, name="authenticator_app"),
    path("me/security/app/removal/", security.app_removal, name="authenticator_app_removal"),
    path("me/security/codes/", security.recovery_codes, name="recovery_codes"),
    path("me/security/password/", security.password, name="password"),
    path("me/sessions/<int:session>/end/", security.session_end, name="session_end"),
    path("me/sessions/others/end/", security.other_sessions_end, name="other_sessions_end"),
    path("staff/", staff.staff, name="staff"),
    path("staff/new/", staff.newcomer, name="newcomer"),
    path("staff/invitation/", staff.invitation_shown, name="invitation_shown"),
    path("staff/<uuid:person>/invitations/", staff.invitations, name="invitations"),
    path("staff/<uuid:person>/account/", staff.account, name="account"),
    path("staff/<uuid:person>/departure/", staff.departure, name="departure"),
    path("services/", services.services, name="services"),
    path("services/<int:number>/end/", services.service_end, name="service_end"),
    path("service/", services.whoami, name="service"),
]
