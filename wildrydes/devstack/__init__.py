"""The process manager for development: `make up`, `make demo`, and scenario tests that kill parts of the product.

Never for servers: there, each process is a service of its own (see docker-compose.yml).
"""

from wildrydes.devstack.errors import StackError
from wildrydes.devstack.layout import Layout
from wildrydes.devstack.ports import Ports
from wildrydes.devstack.processes import ProcessSpec, product_processes
from wildrydes.devstack.stack import Stack
from wildrydes.devstack.supervised import State

__all__ = ["Layout", "Ports", "ProcessSpec", "Stack", "StackError", "State", "product_processes"]
