"""Cancels the tasks of a Step Functions execution on an abort or timeout of the task or the execution. In MiniStack
they keep running."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence

from ministack.services.stepfunctions import _ExecutionError

# How long a cancelled task may take to stop its child (a Spark process, a query).
STOP_SECONDS = 15


class Cancelled(_ExecutionError):
    """The execution or the task was cancelled. Later results of the task are ignored."""

    def __init__(self) -> None:
        super().__init__("States.Runtime", "The execution has ended")


class Cancellation:
    """Set once. Calls the registered callbacks at that moment."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def on_cancel(self, listener: Callable[[], None]) -> None:
        with self._lock:
            if not self._event.is_set():
                self._listeners.append(listener)
                return
        listener()

    def forget(self, listener: Callable[[], None]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def cancel(self) -> None:
        with self._lock:
            self._event.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    def is_set(self) -> bool:
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Cancelled if cancelled before or meanwhile."""
        if self._event.wait(max(0.0, seconds)):
            raise Cancelled


_current: contextvars.ContextVar[Cancellation | None] = contextvars.ContextVar("cancellation", default=None)
_report: contextvars.ContextVar[Callable[[object], None] | None] = contextvars.ContextVar("submitted", default=None)
_executions: dict[str, Cancellation] = {}


@contextlib.contextmanager
def execution(arn: str) -> Iterator[Cancellation]:
    """Sets the cancellation of this context. Threads started with a copy of the context see it too."""
    cancellation = _executions[arn] = Cancellation()
    token = _current.set(cancellation)
    try:
        yield cancellation
    finally:
        _current.reset(token)
        _executions.pop(arn, None)


def cancel_execution(arn: str) -> None:
    cancellation = _executions.get(arn)
    if cancellation:
        cancellation.cancel()


def current() -> Cancellation:
    return _current.get() or Cancellation()


@contextlib.contextmanager
def on_submitted(report: Callable[[object], None]) -> Iterator[None]:
    """In this context, `submitted` reports here which child a task waits for."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def submitted(output: object) -> None:
    report = _report.get()
    if report:
        report(output)


def run_task(task: Callable[[], object], timeout_seconds: float | None) -> object:
    """Run `task` on a thread and return its result. Raises TimeoutError after the timeout, or Cancelled when the
    execution ends, both after the task could stop its child."""
    parent = current()
    with _child_of(parent) as cancellation:
        work = _Work(task, cancellation)
        cancellation.on_cancel(work.wake.set)
        work.wake.wait(timeout_seconds)
        if not work.finished.is_set():
            timed_out = not parent.is_set()
            cancellation.cancel()
            work.finished.wait(STOP_SECONDS)
            raise TimeoutError if timed_out else Cancelled
        if parent.is_set():
            raise Cancelled
        return work.result()


def run_together(tasks: Sequence[Callable[[], object]]) -> list[object]:
    """Run all in parallel and return their results. The first failure cancels the others and is raised."""
    parent = current()
    with _child_of(parent) as cancellation:
        works = [_Work(task, cancellation, cancellation.cancel) for task in tasks]
        for work in works:
            work.finished.wait()
        if parent.is_set():
            raise Cancelled
        failures = [work.error for work in works if work.error]
        first = next((error for error in failures if not isinstance(error, Cancelled)), None)
        if first:
            raise (first if isinstance(first, _ExecutionError) else _ExecutionError("States.BranchFailed", str(first)))
        return [work.result() for work in works]


class _Work:
    """Run a task in a thread that sees the account, the region and the cancellation."""

    def __init__(
        self,
        task: Callable[[], object],
        cancellation: Cancellation,
        on_error: Callable[[], None] = lambda: None,
    ) -> None:
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self.wake = threading.Event()
        self._result: object = None

        def run() -> None:
            _current.set(cancellation)
            try:
                self._result = task()
            except BaseException as error:
                self.error = error
                on_error()
            finally:
                self.finished.set()
                self.wake.set()

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), daemon=True, name="sfn-task").start()

    def result(self) -> object:
        if self.error:
            raise self.error
        return self._result


@contextlib.contextmanager
def _child_of(parent: Cancellation) -> Iterator[Cancellation]:
    child = Cancellation()
    parent.on_cancel(child.cancel)
    try:
        yield child
    finally:
        parent.forget(child.cancel)
