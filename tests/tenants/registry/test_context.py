import pytest
from django.db import connection

from tenants.registry.context import enter_public, enter_tenant, entered_schema


def search_path():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def test_entering_where_one_is_already_costs_no_statement(tenant, django_assert_num_queries):
    with enter_tenant(tenant):
        assert search_path() == "t_acme"
        with django_assert_num_queries(1), enter_tenant(tenant):
            assert search_path() == "t_acme"
        assert entered_schema() == "t_acme"
    assert entered_schema() == "public"


def test_leaving_an_inner_tenant_leads_back_to_the_outer_one(tenant, other_tenant):
    with enter_tenant(tenant):
        with enter_tenant(tenant), enter_tenant(other_tenant):
            assert search_path() == "t_globex"
        assert search_path() == "t_acme"
        with enter_public():
            assert search_path() == "public"
        assert search_path() == "t_acme"
    assert search_path() == "public"


def test_an_error_inside_leads_back_too(tenant, other_tenant):
    with enter_tenant(tenant):
        with pytest.raises(ValueError), enter_tenant(tenant), enter_tenant(other_tenant):
            raise ValueError
        assert search_path() == "t_acme"
