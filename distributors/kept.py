"""What a process keeps between requests: the last few results of a slow build, by the versions they were built from."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Shared by the threads of a process: one builds, those who want the same wait for it. Never change what is kept."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.results: dict[Hashable, T] = {}
        self.lock = Lock()

    def of(self, key: Hashable, build: Callable[[], T], *, holds: Callable[[], bool]) -> T:
        """The result kept for `key`, else a new one, which is kept only if `holds()` is still true once it is built.

        That makes what is kept exactly what its key says: a change committed meanwhile, or one of this transaction that
        may yet be rolled back, is in the result that is returned but never in one that is served to others.
        """
        found = self.results.get(key)
        if found is None:
            with self.lock:
                found = self.results.get(key)
                if found is None:
                    found = build()
                    if holds():
                        self.keep(key, found)
        return found

    def keep(self, key: Hashable, result: T) -> None:
        self.results[key] = result
        while len(self.results) > self.most:
            del self.results[next(iter(self.results))]
