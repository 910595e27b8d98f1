"""Every command and subscription of the product, in one table. `manage.py topology` prints and draws it.

There is no other way for a handler to get a message: nothing registers itself at run time.
"""

from api.events import ExpireOperation
from api.handlers import on_expire_operation, on_expire_operation_dead
from messaging.topology import QueueClass, Route, Topology

ROUTES: list[Route] = [
    # api
    Route(
        message=ExpireOperation,
        name="api.expire_operation",
        handler=on_expire_operation,
        queue_class=QueueClass.CONTROL,
        on_dead=on_expire_operation_dead,
    ),
]

TOPOLOGY = Topology(ROUTES)
