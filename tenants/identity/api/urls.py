"""What identity serves on tenants' hosts, below `/api/v1/`."""

from django.urls import path

from tenants.identity.api import views

urlpatterns = [
    path("auth/token", views.LoginView.as_view()),
    path("auth/token/refresh", views.RefreshView.as_view()),
    path("auth/logout", views.LogoutView.as_view()),
    path("auth/invitations/accept", views.AcceptanceView.as_view()),
    path("me", views.MeView.as_view()),
    path("me/password", views.PasswordView.as_view()),
    path("users", views.UserList.as_view()),
    path("users/<uuid:user_id>", views.UserDetail.as_view()),
]
