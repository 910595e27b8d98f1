"""Every command and subscription of the product, in one table. `manage.py topology` prints and draws it.

There is no other way for a handler to get a message: nothing registers itself at run time.
"""

from messaging.topology import Route, Topology

ROUTES: list[Route] = []

TOPOLOGY = Topology(ROUTES)
