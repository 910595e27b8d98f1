"""Whose fault a database error is: the message's, or nobody's."""

import psycopg
import psycopg.errors
from django.db import Error, InterfaceError, InternalError, OperationalError, ProgrammingError, connection

# The code is newer than the tenant's schema: the migration is under way.
_OLDER_SCHEMA = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
# Two transactions met, or the server lacks something; the same message goes through at another moment.
_BAD_MOMENT = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.InsufficientResources,
    psycopg.errors.DiskFull,
    psycopg.errors.OutOfMemory,
)
_AWAY = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.TooManyConnections,
    psycopg.errors.ConnectionException,
    psycopg.errors.ConnectionFailure,
    psycopg.errors.ConnectionDoesNotExist,
    # It became a replica: it answers, but takes nothing.
    psycopg.errors.ReadOnlySqlTransaction,
)


def is_older_schema(error: BaseException) -> bool:
    """Whether the statement met a schema that lacks what this version of the code expects."""
    return isinstance(error, ProgrammingError) and isinstance(error.__cause__, _OLDER_SCHEMA)


def is_bad_moment(error: BaseException) -> bool:
    """Whether the statement failed because of what others did: a deadlock, a lock not had in time, a full disk."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, _BAD_MOMENT)


def is_database_away(error: BaseException) -> bool:
    """Whether the database could not be asked at all: it is down, the connection was cut, or it takes no writes."""
    if isinstance(error, InterfaceError):
        return True
    cause = error.__cause__
    if isinstance(error, OperationalError | InternalError) and isinstance(cause, psycopg.Error):
        # Without a code it was not the server that spoke: the connection was lost, or there was none.
        return isinstance(cause, _AWAY) or (isinstance(error, OperationalError) and cause.sqlstate is None)
    return isinstance(error, Error) and (connection.connection is None or connection.connection.closed)
