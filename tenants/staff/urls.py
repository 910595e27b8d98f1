"""The second factor's pages, below the console."""

from django.urls import path

from tenants.staff import pages

app_name = "staff"
urlpatterns = [
    path("", pages.manage, name="manage"),
    path("verify/", pages.verify, name="verify"),
    path("enrol/", pages.enrol, name="enrol"),
    path("recovery-codes/", pages.renew, name="renew"),
    path("remove/", pages.remove, name="remove"),
]
