from io import StringIO

from django.core.management import call_command


def test_the_topology_is_printed_and_drawn(db):
    table, drawing = StringIO(), StringIO()
    call_command("topology", stdout=table)
    call_command("topology", mermaid=True, stdout=drawing)
    assert "sample.do_thing v1" in table.getvalue()
    assert "3/2" in table.getvalue()
    assert drawing.getvalue().startswith("flowchart LR")
    assert "sample_do_thing --> h_sample_do" in drawing.getvalue()
