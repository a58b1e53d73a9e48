"""Work in a thread that ends afterwards, because it must not come back: namespaces and, if unshared, the working directory
belong to threads on Linux.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


def in_thread(work: Callable[[], None]) -> None:
    """Run it and wait; what it raises is raised here."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- handed over to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, name="namespaces")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
