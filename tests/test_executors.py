"""Worker processes: results, errors, time limits and replacement."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from sigbench import ExecutorConfig, InputError
from sigbench.benchmark.engine.executors.base import Serial
from sigbench.benchmark.engine.executors.pool import Pool


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def pool():
    pool = Pool(2)
    yield pool
    pool.close()


def test_values_and_errors_are_returned(pool):
    calls = {0: lambda: 6 * 7, 1: lambda: 1 / 0, 2: lambda: np.arange(3), 3: lambda: sys.exit(5)}
    ended = {}
    for number, call in calls.items():
        pool.submit(number, call)
        if number:
            one = pool.next()
            ended[one.number] = one
    one = pool.next()
    ended[one.number] = one
    assert ended[0].value == 42
    assert ended[0].error == ""
    assert ended[1].error == "ZeroDivisionError: division by zero"
    assert "Traceback" in ended[1].trace
    assert ended[2].value.tolist() == [0, 1, 2]
    assert ended[3].error == "SystemExit: 5"
    assert not any(one.lost for one in ended.values())


def test_a_worker_is_replaced_after_a_call_that_retires_it():
    class Retiring:
        retires_worker = True

        def __call__(self):
            return os.getpid()

    pool = Pool(1)
    try:
        pids = []
        for number, call in enumerate([os.getpid, Retiring(), os.getpid]):
            pool.submit(number, call)
            pids.append(pool.next().value)
    finally:
        pool.close()
    assert pids[0] == pids[1] != pids[2]


def test_serial_gives_the_same_results():
    serial = Serial()
    serial.submit(3, lambda: 1 / 0)
    ended = serial.next()
    assert (ended.number, ended.error) == (3, "ZeroDivisionError: division by zero")
    assert not ended.contended


def test_simultaneous_calls_are_contended_and_a_single_one_is_not(pool):
    pool.submit(0, os.getpid)
    first = pool.next()
    assert not first.contended
    pool.submit(1, os.getpid)
    pool.submit(2, os.getpid)
    both = [pool.next(), pool.next()]
    assert all(one.contended for one in both)
    assert len({one.value for one in both}) == 2


def test_a_worker_that_dies_is_reported_and_replaced(pool):
    pool.submit(0, lambda: os.kill(os.getpid(), signal.SIGKILL))
    ended = pool.next()
    assert ended.lost
    assert ended.error == "WorkerDied: signal SIGKILL"
    pool.submit(0, lambda: "again")
    assert pool.next().value == "again"
    pool.submit(1, lambda: os._exit(3))
    assert pool.next().error == "WorkerDied: exit code 3"


def test_a_call_that_hangs_is_killed_with_its_child_processes(tmp_path, wait_until):
    pool = Pool(1, timeout=0.5)

    def hang():
        child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        (tmp_path / "child").write_text(str(child.pid))
        child.wait()

    pool.submit(0, hang)
    ended = pool.next()
    assert ended.error == "TimeoutError: longer than 0.5 s"
    assert not ended.lost
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: has_ended(child))
    pool.submit(1, lambda: "goes on")
    assert pool.next().value == "goes on"
    pool.close()


@pytest.mark.parametrize("ending", ["returns", "leaves"])
def test_a_forked_child_of_a_call_does_not_answer(pool, ending):
    def forks():
        if os.fork() == 0:
            if ending == "leaves":
                sys.exit(0)
            return "child"
        threading.Event().wait(0.5)  # the child ends first
        return "parent"

    pool.submit(0, forks)
    assert pool.next().value == "parent"
    for number in (1, 2):
        pool.submit(number, lambda number=number: 10 * number)
        ended = pool.next()
        assert (ended.number, ended.value) == (number, 10 * number)


def test_a_worker_that_does_not_start_a_call_is_replaced():
    """A thread left behind by an earlier call blocks the interpreter."""

    def leaves_a_thread():
        hog = threading.Timer(0.2, lambda: re.match("(a+)+$", "a" * 60 + "b"))
        hog.daemon = True
        hog.start()

    pool = Pool(1, timeout=60, patience_s=1)
    try:
        pool.submit(0, leaves_a_thread)
        assert pool.next().error == ""
        threading.Event().wait(0.5)
        pool.submit(1, lambda much=bytes(10**6): 1)  # more than fits into a pipe
        ended = pool.next()
        assert ended.lost
        assert ended.error == "WorkerDied: did not start a call within 1 s"
        pool.submit(2, lambda: 2)
        assert pool.next().value == 2
    finally:
        pool.close()


def test_an_object_that_cannot_be_sent_is_an_error(pool):
    pool.submit(0, threading.Lock().acquire)
    assert "cannot be sent to a worker process" in pool.next().error
    pool.submit(1, threading.Lock)
    assert "the worker cannot send its result" in pool.next().error


def test_workers_use_one_thread_and_ignore_interrupts(pool):
    def look():
        np.ones((2, 2)) @ np.ones((2, 2))
        return {lib["num_threads"] for lib in threadpool_info()}, signal.getsignal(signal.SIGINT)

    pool.submit(0, look)
    threads, handler = pool.next().value
    assert threads == {1}
    assert handler == signal.SIG_IGN


@pytest.mark.parametrize("busy", ["while True: pass", "re.match('(a+)+$', 'a' * 60 + 'b')"])
def test_workers_end_with_their_parent(tmp_path, wait_until, busy):
    """The expression blocks the interpreter, so no thread can watch the parent."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, pathlib, re\n"
        "from sigbench.benchmark.engine.executors.pool import Pool\n"
        "def call():\n"
        f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"    {busy}\n"
        "pool = Pool(1)\n"  # no __main__ guard: workers do not run this again
        "pool.submit(0, call)\n"
        "pool.next()\n"
    )
    parent = subprocess.Popen([sys.executable, script])
    pid_file = tmp_path / "pid"
    wait_until(lambda: (pid_file.exists() and pid_file.read_text()) or parent.poll() is not None)
    assert parent.poll() is None
    parent.kill()
    parent.wait()
    wait_until(lambda: has_ended(int(pid_file.read_text())))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"jobs": 0}, "jobs=0 must be >= 1"),
        ({"timeout": 0.0}, "timeout=0 s must be > 0"),
        ({"timeout": float("nan")}, "timeout=nan s must be > 0"),
        ({"executor": "slurm"}, "executor='slurm' must be one of: local, dask://HOST:PORT"),
    ],
)
def test_invalid_executors_are_refused(place, message):
    with pytest.raises(InputError, match=message):
        ExecutorConfig(**place)


@pytest.mark.parametrize(
    ("config", "own"), [(ExecutorConfig(), True), (ExecutorConfig(timeout=5.0), False)]
)
def test_methods_of_users_and_time_limits_use_a_worker(config, own):
    """In the process of the caller, a method could change the values of others."""
    executor = config.open(own=own)
    assert isinstance(executor, Pool)
    assert (executor.slots, executor.timeout, executor.isolates) == (1, config.timeout, True)
    assert isinstance(ExecutorConfig().open(), Serial)
