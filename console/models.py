"""What the console adds to the permissions that staff can be given. It owns no tables."""

from django.db import models


class Story(models.Model):
    """The story of a booking: looked at, never stored. Its permission is what this class is for."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [("view_story", "Can look at the story of a booking")]
        verbose_name_plural = "stories"

    def __str__(self) -> str:
        return "story"


class Money(models.Model):
    """Differences with the provider's record, and statements: kept in the companies' schemas, looked at and repaired here."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_money", "Can look at differences with the provider's record, and at statements"),
            ("repair_money", "Can repair differences with the provider's record, and have it compared"),
        ]
        verbose_name_plural = "money"

    def __str__(self) -> str:
        return "money"
