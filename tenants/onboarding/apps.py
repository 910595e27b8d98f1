"""The app's registration."""

from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    """See this app's README."""

    name = "tenants.onboarding"
    label = "onboarding"
    verbose_name = "Onboarding"
