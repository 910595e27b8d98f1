"""Settings of the console's libraries: the same on every machine."""

from datetime import timedelta

AXES_VERBOSE = False  # no banner at every start of every process
AXES_ENABLE_ADMIN = False  # console.staff has its own pages of it
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# By default axes takes the model's name of the field ("email"), counts nobody's failures and so locks nobody out.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "tenants.identity.lockout.login_name"
AXES_LOCKOUT_CALLABLE = "tenants.identity.lockout.locked_out"
AXES_CLIENT_IP_CALLABLE = "wildrydes.kernel.addresses.client_address"

UNFOLD = {
    "SITE_TITLE": "Wild Rydes",
    "SITE_HEADER": "Wild Rydes",
    "SITE_SUBHEADER": "for Business",
    "SITE_SYMBOL": "cruelty_free",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "console.front.views.front_page",
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "console.navigation.sidebar"},
}
