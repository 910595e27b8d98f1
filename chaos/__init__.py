"""Kills everything under load and judges what became of the promises: `make chaos`.

Stands outside the product: it imports only the process manager and the embedded servers, talks HTTP like any client, and
keeps its own record. See README.md.
"""
