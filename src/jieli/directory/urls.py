from django.urls import path

from jieli.directory import views

app_name = "directory"
urlpatterns = [
    path("duty/", views.duty, name="duty"),
    path("duty/presence/", views.presence_board, name="presence_board"),
    path("duty/telephones/", views.telephones, name="telephones"),
    path("duty/telephones.json", views.telephones_data, name="telephones_data"),
    path("duty/turns/", views.turns, name="turns"),
    path("duty/turns/<int:turn>/", views.turn, name="turn"),
    path("duty/turns/<int:turn>/removal/", views.turn_removal, name="turn_removal"),
    path("duty/turns/<int:turn>/swaps/", views.turn_swaps, name="turn_swaps"),
    path("duty/swaps/<int:swap>/approval/", views.swap_approval, name="swap_approval"),
    path("duty/swaps/<int:swap>/refusal/", views.swap_refusal, name="swap_refusal"),
    path("duty/agreements/", views.agreements, name="agreements"),
    path(
        "duty/agreements/<int:agreement>/signature/",
        views.agreement_signature,
        name="agreement_signature",
    ),
    path("duty/agreements/<int:agreement>/end/", views.agreement_end, name="agreement_end"),
    path("me/", views.me, name="me"),
    path("me/presence/", views.presence, name="presence"),
    path("me/channels/", views.channels, name="channels"),
    path("me/channels/<int:channel>/place/", views.channel_place, name="channel_place"),
    path("me/channels/<int:channel>/removal/", views.channel_removal, name="channel_removal"),
    path("me/channels/<int:channel>/test/", views.channel_test, name="channel_test"),
    path("me/channels/<int:channel>/proof/", views.channel_proof, name="channel_proof"),
]
