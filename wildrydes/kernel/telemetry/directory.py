"""Where the processes of one group keep what they have counted: a file per process and kind of metric, mapped into memory.

`METRICS_DIR` names the directory; without it a process counts in its own memory. Importing this module, and nothing else,
decides between the two, because `prometheus_client` decides once, when it is first imported.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_log = logging.getLogger(__name__)
_LIBRARYS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# No process has this number: what the dead have counted is summed up under it.
_RETIRED = "0"
_OURS = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_\d+\.db")


def _chosen() -> Path | None:
    named = os.environ.get("METRICS_DIR", "")
    os.environ.pop(_LIBRARYS_VARIABLE, None)
    if not named:
        return None
    directory = Path(named)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".lock").touch()
    except OSError as error:
        # Rides are booked all the same.
        _log.warning("METRICS_DIR cannot be used (%s): this process counts for itself", error.strerror)
        return None
    os.environ[_LIBRARYS_VARIABLE] = str(directory)
    return directory


DIRECTORY = _chosen()

from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest  # noqa: E402  # needs the variable
from prometheus_client.mmap_dict import MmapedDict  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402


def begin_group() -> None:
    """Forget what an earlier group counted here. Called once, by the first process of a group, before it counts anything."""
    if DIRECTORY is not None:
        with _alone(DIRECTORY):
            for path in _files(DIRECTORY):
                if not _is_alive(_process_of(path)):
                    path.unlink(missing_ok=True)


def retire_dead() -> int:
    """Add what dead processes have counted to one file, and remove theirs; answers how many files that were.

    So that counters never fall and the directory holds no more files than there are processes.
    """
    if DIRECTORY is None:
        return 0
    with _alone(DIRECTORY):
        return _retire(DIRECTORY)


def scrape(own: CollectorRegistry | None = None) -> bytes:
    """Everything that the group has counted, and what `own` collects, in Prometheus' text format."""
    if DIRECTORY is None:
        return generate_latest(REGISTRY) + (generate_latest(own) if own else b"")
    registry = CollectorRegistry(auto_describe=False)
    with _alone(DIRECTORY):
        _retire(DIRECTORY)
        registry.register(_Told(list(MultiProcessCollector.merge([str(path) for path in _files(DIRECTORY)]))))
    return generate_latest(registry) + (generate_latest(own) if own else b"")


class _Told(Collector):
    """Metrics that were read already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time reads and tidies: a file must not be summed up and read as well."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(directory: Path) -> list[Path]:
    """The library's files and nobody else's: somebody's database may be called `.db` too."""
    return [path for path in sorted(directory.glob("*.db")) if _OURS.fullmatch(path.name)]


def _process_of(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _is_alive(number: str) -> bool:
    if number == _RETIRED or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _retire(directory: Path) -> int:
    dead = [path for path in _files(directory) if _process_of(path) != _RETIRED]
    dead = [path for path in dead if not _is_alive(_process_of(path))]
    for path in dead:
        if not path.name.startswith("gauge_"):  # a dead process's gauges say nothing any more
            _add_to(directory / f"{path.stem.partition('_')[0]}_{_RETIRED}.db", path)
        with suppress(FileNotFoundError):
            path.unlink()
    return len(dead)


def _add_to(sum_path: Path, path: Path) -> None:
    total = MmapedDict(str(sum_path))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
            total.write_value(key, total.read_value(key)[0] + value, 0.0)
    except (RuntimeError, ValueError, OSError) as error:
        # It died while it made the file; what it had counted is a handful.
        _log.warning("metrics of a dead process cannot be read: %s", type(error).__name__)
    finally:
        total.close()
