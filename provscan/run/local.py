"""The local engine: threads that share out tasks, and near the end the batches of a task."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import pyarrow as pa

from provscan.read import ReadOptions, Rejected
from provscan.run.scanner import Scanned, Scanner
from provscan.run.tasks import Task, TaskResult, read_task, write_task

Progress = Callable[[int], None]


class StrictError(Exception):
    """Input was rejected and the request was strict."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(f"{rejected.path}, {rejected.position}: {rejected.reason}")


class OpenTask:
    """A task that is being worked on: any worker may take its next batch, and the last one to finish writes it."""

    def __init__(self, task: Task, options: ReadOptions, progress: Progress) -> None:
        self.task = task
        self.result = TaskResult()
        self.batches = read_task(task, options, self.result)
        self.progress = progress
        self.scanned: dict[int, Scanned] = {}
        self.taken = 0
        self.exhausted = False
        self.written = False
        self.reading = threading.Lock()
        self.counting = threading.Lock()

    def take(self) -> tuple[int, str, pa.RecordBatch] | None:
        """The next batch and its number, None where there is none left."""
        with self.reading:
            if self.exhausted:
                return None
            for path, batch in self.batches:
                self.taken += 1
                return self.taken - 1, path, batch
            self.exhausted = True
            return None

    def put(self, number: int, path: str, batch: pa.RecordBatch, scanned: Scanned) -> None:
        with self.counting:
            self.result.count(path, batch, scanned)
            self.scanned[number] = scanned
        self.progress(batch.column("text").nbytes)

    def is_complete(self) -> bool:
        """Whether all batches are read and scanned; true for one caller only."""
        with self.reading, self.counting:
            if self.written or not self.exhausted or len(self.scanned) < self.taken:
                return False
            self.written = True
            return True


class LocalRun:
    """Scans tasks with threads.

    Parameters
    ----------
    scanner : Scanner
    out : Path
    options : ReadOptions
    strict : bool
        Stop at the first rejected input.
    progress : callable
        Is told the bytes of text of each batch that is done.
    """

    def __init__(
        self, scanner: Scanner, out: Path, options: ReadOptions, strict: bool = False, progress: Progress | None = None
    ) -> None:
        self.scanner = scanner
        self.out = out
        self.options = options
        self.strict = strict
        self.progress = progress or (lambda _: None)
        self.waiting: deque[Task] = deque()
        self.open: list[OpenTask] = []
        self.results: dict[str, TaskResult] = {}
        self.chores: deque[Callable[[], None]] = deque()
        self.lock = threading.Lock()
        self.warm = threading.Event()
        self.stopped = threading.Event()

    def run(self, tasks: Sequence[Task], workers: int, chores: Sequence[Callable[[], None]] = ()) -> list[TaskResult]:
        """Scan the tasks and write their results; the results are in the order of the tasks.

        Parameters
        ----------
        tasks : sequence of Task
        workers : int
        chores : sequence of callables
            Other work that needs no kernels, such as digests of the inputs: done while the first worker loads the
            kernels, which the others would only wait for, and when no task is left.

        Raises
        ------
        StrictError
            If ``strict`` and something was rejected.
        """
        self.waiting.extend(tasks)
        self.chores.extend(chores)
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._work, k) for k in range(workers)]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            finally:
                self.stopped.set()
        return [self.results[task.name] for task in tasks]

    def _work(self, number: int) -> None:
        """A worker: tasks and chores, the first worker tasks first."""
        while number > 0 and not self.warm.is_set() and self._do_chore():
            pass
        self._scan()
        self.warm.set()
        while self._do_chore():
            pass

    def _do_chore(self) -> bool:
        """Do a chore; false where there is none left."""
        try:
            chore = self.chores.popleft()
        except IndexError:
            return False
        if not self.stopped.is_set():
            chore()
        return True

    def _scan(self) -> None:
        """Scan batches: of the worker's own task, then of a waiting one, then of another worker's."""
        own: OpenTask | None = None
        while not self.stopped.is_set():
            own = own or self._next()
            if own is None:
                return
            taken = own.take()
            if taken is None:
                self._finish(own)
                own = None
                continue
            number, path, batch = taken
            own.put(number, path, batch, self.scanner.scan_batch(batch, path))
            self.warm.set()
            if self.strict and own.result.rejected:
                raise StrictError(own.result.rejected[0])

    def _next(self) -> OpenTask | None:
        with self.lock:
            if self.waiting:
                task = OpenTask(self.waiting.popleft(), self.options, self.progress)
                self.open.append(task)
                return task
            return next((task for task in self.open if not task.exhausted), None)

    def _finish(self, task: OpenTask) -> None:
        """Write a task if nothing of it is still being worked on; otherwise the worker that has it will."""
        if not task.is_complete():
            return
        if self.strict and task.result.rejected:
            raise StrictError(task.result.rejected[0])
        write_task(self.out, task.task, [task.scanned[k] for k in sorted(task.scanned)], task.result)
        with self.lock:
            self.open.remove(task)
            self.results[task.task.name] = task.result
