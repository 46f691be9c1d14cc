"""Work done ahead of need, in a thread of its own."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], count: int) -> Iterator[T]:
    """The same items, made in a thread while the caller works on the last one; `count` at most wait for the caller.

    Errors come where their item would have come. However it ends (all given, an error, closed early), the thread has
    ended and `items` is closed before this returns.
    """
    try:
        with ThreadPoolExecutor(1, "video") as worker:
            waiting = deque(worker.submit(next, items, None) for _ in range(count))
            try:
                while (item := waiting.popleft().result()) is not None:
                    waiting.append(worker.submit(next, items, None))
                    yield item
            finally:
                for future in waiting:
                    future.cancel()
    finally:
        items.close()
