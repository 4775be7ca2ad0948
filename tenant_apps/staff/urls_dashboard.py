"""The staff's pages about staff, roles, keys and the site itself."""

from django.urls import path

from tenant_apps.staff.views import address, backups, keys, leaving, members, plan, roles, settings, subscription, usage

urlpatterns = [
    path("settings/", settings.site, name="dashboard-settings"),
    path("settings/logo/", settings.logo, name="dashboard-settings-logo"),
    path("settings/plan/", plan.plan, name="dashboard-plan"),
    path("settings/usage/", usage.usage, name="dashboard-usage"),
    path("billing/", subscription.subscription, name="dashboard-billing"),
    path("billing/plans/<slug:plan>/", subscription.choose, name="dashboard-subscription-plan"),
    path("billing/cancel/", subscription.cancel, name="dashboard-subscription-cancel"),
    path("billing/resume/", subscription.resume, name="dashboard-subscription-resume"),
    path("billing/portal/", subscription.portal, name="dashboard-subscription-portal"),
    path("settings/address/", address.page, name="dashboard-address"),
    path("settings/address/rename/", address.rename, name="dashboard-address-rename"),
    path("settings/address/add/", address.add, name="dashboard-address-add"),
    path("settings/address/check/", address.check, name="dashboard-address-check"),
    path("settings/address/primary/", address.primary, name="dashboard-address-primary"),
    path("settings/address/remove/", address.remove, name="dashboard-address-remove"),
    # These answer while the site is suspended or closing: tenants.middleware names the word "export".
    path("export/", leaving.page, name="dashboard-leaving"),
    path("export/start/", leaving.export, name="dashboard-leaving-export"),
    path("export/archives/<uuid:pk>/", leaving.archive, name="dashboard-leaving-archive"),
    path("export/pause/", leaving.pause, name="dashboard-leaving-pause"),
    path("export/close/", leaving.close, name="dashboard-leaving-close"),
    path("export/stay/", leaving.stay, name="dashboard-leaving-stay"),
    path("settings/plan/", plan.plan, name="dashboard-plan"),
    path("settings/usage/", usage.usage, name="dashboard-usage"),
    path("settings/backups/", backups.listed, name="dashboard-backups"),
    path("staff/", members.members, name="dashboard-staff"),
    path("staff/invite/", members.invite, name="dashboard-invite"),
    path("staff/<int:pk>/", members.member, name="dashboard-staff-member"),
    path("staff/<int:pk>/role/", members.change, name="dashboard-staff-role"),
    path("staff/<int:pk>/remove/", members.remove, name="dashboard-staff-remove"),
    path("staff/<int:pk>/make-owner/", members.hand_over, name="dashboard-staff-hand-over"),
    path("staff/invitations/<int:pk>/<slug:move>/", members.move_invitation, name="dashboard-invitation-move"),
    path("roles/", roles.listed, name="dashboard-roles"),
    path("roles/new/", roles.new, name="dashboard-role-new"),
    path("roles/<int:pk>/", roles.edit, name="dashboard-role"),
    path("roles/<int:pk>/delete/", roles.delete, name="dashboard-role-delete"),
    path("api-keys/", keys.listed, name="dashboard-keys"),
    path("api-keys/new/", keys.new, name="dashboard-key-new"),
    path("api-keys/<int:pk>/revoke/", keys.revoke, name="dashboard-key-revoke"),
]
