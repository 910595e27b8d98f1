"""Where a stack keeps its things: one runtime directory, git-ignored, one stack at a time in it."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The names inside a runtime directory.

    Attributes:
        var: the runtime directory.
    """

    var: Path

    @classmethod
    def of_environment(cls) -> "Layout":
        """The directory named by WILDRYDES_VAR, or `var` in the checkout."""
        return cls(Path(os.environ.get("WILDRYDES_VAR") or REPOSITORY / "var").absolute())

    @property
    def secrets(self) -> Path:
        """Keys made at the first start; settings.py reads them."""
        return self.var / "secrets.env"

    @property
    def environment(self) -> Path:
        """How to reach the running stack; settings.py reads it."""
        return self.var / "stack.env"

    @property
    def postgres(self) -> Path:
        """The embedded PostgreSQL's data."""
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        """The embedded Valkey's data."""
        return self.var / "valkey"

    @property
    def simulators(self) -> Path:
        """What the simulated outside world remembers."""
        return self.var / "simulators"

    @property
    def demo(self) -> Path:
        """The demonstration's logins."""
        return self.var / "demo.json"

    @property
    def fleet(self) -> Path:
        """The simulated fleet's credential; the simulator waits for it."""
        return self.var / "fleet.json"

    @property
    def journal_heads(self) -> Path:
        """The heads of the journals' hash chains: of no use, and misleading, once the database is gone."""
        return self.var / "journal-heads.jsonl"

    @property
    def static(self) -> Path:
        """Collected static files; empty in development."""
        return self.var / "static"

    @property
    def log(self) -> Path:
        """What all processes said, in one file."""
        return self.var / "log" / "stack.log"

    @property
    def run(self) -> Path:
        """Lock, process ids and signs of life."""
        return self.var / "run"

    @property
    def lock(self) -> Path:
        """Held by the manager for as long as it lives."""
        return self.run / "stack.lock"

    @property
    def record(self) -> Path:
        """Which processes were started, for whoever has to end them after the manager was killed."""
        return self.run / "stack.json"

    def health_file(self, name: str) -> Path:
        """Touched by the process `name` for as long as it is healthy."""
        return self.run / f"{name}.health"

    def metrics(self, name: str) -> Path:
        """Where the processes of the group `name` keep what they have counted."""
        return self.run / "metrics" / name

    @property
    def prometheus(self) -> Path:
        """A configuration with which Prometheus scrapes everything that runs here."""
        return self.run / "prometheus.yml"

    def everything(self) -> tuple[Path, ...]:
        """All of it, and nothing else that may lie in the same directory."""
        files = (self.secrets, self.environment, self.demo, self.fleet, self.journal_heads)
        return (*files, self.postgres, self.valkey, self.simulators, self.static, self.log.parent, self.run)
