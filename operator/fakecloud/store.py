"""State: a dict in memory over SQLite. What was answered survives a kill -9."""

import asyncio
import bisect
import fcntl
import gc
import itertools
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fakecloud.jsontext import dumps, loads

Body = dict[str, Any]
RESOURCE: Final = "resource"
"""The kind of documents that are ARM resources; they are found by their type, too."""
EVENTS: Final = 50_000
"""Events that are kept: the oldest go first."""
LAST: Final = "\U0010ffff"
"""No key goes on with it."""


class InUse(Exception):
    """Another process keeps its state in the directory."""


@dataclass(frozen=True)
class Checkpoint:
    """A state that was: its documents by kind and key, and the table that holds them as they are kept."""

    documents: Mapping[str, Mapping[str, Body]]
    table: str


class Store:
    """Documents by kind and key (ARM ids in lower case). Every change is committed before the call returns.

    One process at a time: raises InUse when another has the directory.

    `version` grows with each change; `changed` waits for it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "state.db"
        file.touch(mode=0o600)
        file.chmod(0o600)  # it holds secrets; SQLite gives its other files the same mode
        self._lock = (directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise InUse(f"{directory} is in use by another fakecloud") from None
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA temp_store=MEMORY")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, at REAL, operation TEXT, body TEXT)"
        )
        self._db.execute(
            "CREATE INDEX IF NOT EXISTS event_of_operation ON events (operation) WHERE operation IS NOT NULL"
        )
        self._checkpoints = itertools.count(1)
        self._documents: dict[str, dict[str, Body]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._by_type: dict[str, dict[str, Body]] = {}
        self._load()
        self.version = 1
        self._waiters: set[asyncio.Future[None]] = set()

    def _load(self) -> None:
        """Take in what is on disk; none of it is garbage, so nobody need look for any meanwhile."""
        gc.disable()
        try:
            for kind, key, body in self._db.execute("SELECT kind, key, body FROM documents ORDER BY kind, key"):
                self._keep(kind, key, loads(body))
            gc.freeze()
        finally:
            gc.enable()

    def get(self, kind: str, key: str) -> Body | None:
        """The document, None when there is none. Not to be changed in place."""
        return self._documents.get(kind, {}).get(key.lower())

    def all(self, kind: str) -> dict[str, Body]:
        """All documents of a kind, by key."""
        return self._documents.get(kind, {})

    def under(self, kind: str, prefix: str) -> Iterator[tuple[str, Body]]:
        """Documents of a kind whose key begins with `prefix`, by key: the same after a restart."""
        documents, keys = self.all(kind), self._sorted.get(kind, [])
        return iter([(key, documents[key]) for key in keys[self._span(kind, prefix)]])

    def count(self, kind: str, prefix: str) -> int:
        """How many documents `under` would give, without a look at them."""
        span = self._span(kind, prefix)
        return int(span.stop - span.start)

    def _span(self, kind: str, prefix: str) -> slice:
        wanted, keys = prefix.lower(), self._sorted.get(kind, [])
        begin = bisect.bisect_left(keys, wanted)
        return slice(begin, bisect.bisect_left(keys, wanted + LAST, begin))

    def put(self, kind: str, key: str, body: Body) -> None:
        """Create or replace one document."""
        self.write([(kind, key, body)])

    def delete(self, kind: str, key: str) -> None:
        """Remove one document."""
        self.write([(kind, key, None)])

    def keep_only(self, kinds: Container[str]) -> None:
        """Forget all documents but those of `kinds`."""
        gone = [(kind, key, None) for kind, have in self._documents.items() if kind not in kinds for key in have]
        self.write(gone)

    def checkpoint(self) -> Checkpoint:
        """The present state, to be restored by this process."""
        table = f"checkpoint_{next(self._checkpoints)}"
        self._db.execute(f"CREATE TEMP TABLE {table} AS SELECT kind, key, body FROM documents")  # noqa: S608  # a name of our own
        return Checkpoint({kind: dict(documents) for kind, documents in self._documents.items()}, table)

    def restore(self, state: Checkpoint) -> None:
        """Hold exactly what was there then. No document is written out again, however many there are."""
        self._db.execute("BEGIN")
        try:
            self._db.execute("DELETE FROM documents")
            self._db.execute(f"INSERT INTO documents SELECT kind, key, body FROM temp.{state.table}")  # noqa: S608  # a name of our own
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._documents = {kind: dict(documents) for kind, documents in state.documents.items()}
        self._sorted = {kind: sorted(documents) for kind, documents in state.documents.items()}
        self._by_type = {}
        for key, body in self.all(RESOURCE).items():
            self._by_type.setdefault(_type(body), {})[key] = body
        self._tell()

    def drop(self, state: Checkpoint) -> None:
        """A checkpoint is not needed any more."""
        self._db.execute(f"DROP TABLE temp.{state.table}")

    def write(self, changes: Iterable[tuple[str, str, Body | None]]) -> None:
        """All of `changes` or none; a body of None removes."""
        changes = list(changes)
        self._db.execute("BEGIN")
        try:
            for kind, key, body in changes:
                if body is None:
                    self._db.execute("DELETE FROM documents WHERE kind=? AND key=?", (kind, key.lower()))
                else:
                    self._db.execute(
                        "INSERT OR REPLACE INTO documents VALUES (?,?,?)", (kind, key.lower(), dumps(body).decode())
                    )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        for kind, key, body in changes:
            if body is None:
                self._forget(kind, key.lower())
            else:
                self._keep(kind, key.lower(), body)
        self._tell()

    def _tell(self) -> None:
        """Wake those who wait for a change."""
        self.version += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def note(self, at: float, operation: str | None, body: Body) -> None:
        """Add an event: when it was, in seconds since the epoch, and which operation it began, if any.

        Events are no documents: they stay on disk, are in no snapshot, and nobody waits for them.
        """
        added = self._db.execute(
            "INSERT INTO events (at, operation, body) VALUES (?,?,?)", (at, operation, dumps(body).decode())
        )
        number = added.lastrowid or 0
        if number % (EVENTS // 50) == 0:
            self._db.execute("DELETE FROM events WHERE number <= ?", (number - EVENTS,))

    def events(self, since: float, until: float) -> list[Body]:
        """The events of a time, the newest first."""
        query = "SELECT body FROM events WHERE at >= ? AND at <= ? ORDER BY number DESC"
        return [loads(body) for (body,) in self._db.execute(query, (since, until))]

    def event_of(self, operation: str) -> Body | None:
        """The event that began an operation, None when it is not known any more."""
        found = self._db.execute("SELECT body FROM events WHERE operation = ?", (operation,)).fetchone()
        return None if found is None else dict(loads(found[0]))

    def forget_events(self) -> None:
        """There were none."""
        self._db.execute("DELETE FROM events")

    def _keep(self, kind: str, key: str, body: Body) -> None:
        documents = self._documents.setdefault(kind, {})
        if key not in documents:
            bisect.insort(self._sorted.setdefault(kind, []), key)
        elif kind == RESOURCE and _type(documents[key]) != _type(body):
            self._by_type[_type(documents[key])].pop(key)
        documents[key] = body
        if kind == RESOURCE:
            self._by_type.setdefault(_type(body), {})[key] = body

    def _forget(self, kind: str, key: str) -> None:
        body = self._documents.get(kind, {}).pop(key, None)
        if body is None:
            return
        keys = self._sorted[kind]
        del keys[bisect.bisect_left(keys, key)]
        if kind == RESOURCE:
            self._by_type[_type(body)].pop(key)

    async def changed(self, after: int, timeout: float) -> int:
        """The version, as soon as it is above `after`, or after `timeout` seconds."""
        if self.version <= after:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter, timeout)
            except TimeoutError:
                pass
            finally:
                self._waiters.discard(waiter)
        return self.version

    def resources(self, type_: str) -> list[Body]:
        """All ARM resources of a type, in GET shape."""
        return list(self._by_type.get(type_.lower(), {}).values())

    def close(self) -> None:
        """Close the database."""
        self._db.close()
        self._lock.close()


def _type(resource: Body) -> str:
    return str(resource.get("type", "")).lower()
