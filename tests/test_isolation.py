"""A method touches nobody else: its code runs in a process of its own, for one call."""

import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sigbench
from sigbench import Denoising, ExecutorConfig, Gaussian, InputError, Method, SparseSpikes, load
from sigbench.benchmark.engine.evaluate import Cell, Fit
from sigbench.benchmark.engine.executors.calls import attempt
from sigbench.benchmark.engine.isolated import isolated
from sigbench.benchmark.engine.scheduler import run
from sigbench.benchmark.isolation.channel import LENGTH, BadMessage, Channel
from sigbench.benchmark.isolation.process import MAX_LOG
from sigbench.benchmark.methods.functions import Function, PerItem
from sigbench.benchmark.methods.inspection import import_limit
from sigbench.benchmark.methods.own import is_own
from sigbench.benchmark.methods.resolve import resolve, sealed, unsealed
from sigbench.benchmark.run_suite import run_suite
from sigbench.benchmark.store.method_logs import MAX_BYTES
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.scoring.metrics import METRICS

# What honest methods rely on: settings of NumPy, warnings, global generators, modules, the folder.
HONEST = """
import os, random, sys, warnings
import numpy as np

calls = 0

def honest(noisy, sigma):
    with np.errstate():
        small = noisy * np.float64(1e-300) * 1e-300
        one = np.zeros(1) / np.zeros(1)
    warnings.warn("harmless")
    return np.where(np.isnan(one), noisy, small) * np.mean(noisy) / len(noisy) / np.reshape(sigma, (-1, 1, 1))

def stateful(noisy):
    global calls
    calls += 1
    return noisy * np.random.rand() * random.random() / calls

def at_home(noisy):
    assert os.path.exists("honest.py") and "HOME_OF_SIGBENCH_TEST" not in os.environ
    assert sys.getrecursionlimit() >= 1000
    return noisy * abs(np.median(noisy))
"""
# Misbehaving methods: what each does in its call, and the error, if it is one.
WRONG = {
    "seterr": ("np.seterr(all='raise')", ""),
    "warn": ("warnings.simplefilter('error')", ""),
    "mean": ("np.mean = np.median = np.isnan = np.square = lambda *a, **k: 3.0", ""),
    "metrics": (
        "from sigbench.scoring import metrics\n"
        "    for name in metrics.METRICS: metrics.METRICS[name] = None\n"
        "    metrics.psnr = metrics.mse = lambda *a: np.full(len(a[0]), 99.0)",
        "",
    ),
    "limits": ("resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))", ""),
    "memory": (
        "size = int(open('/proc/self/statm').read().split()[0]) * 4096 + 10**8\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (size, size))",
        "",
    ),
    "thief": (
        "found = [a for a in gc.get_objects() if isinstance(a, np.ndarray) and a.shape == noisy.shape]\n"
        "    for array in found:\n"
        "        if array is not noisy and array.flags.writeable and array.base is not None:\n"
        "            continue\n"
        "    assert len(found) <= 3, len(found)",  # noisy, what it is compared with
        "",
    ),
    "environ": ("os.environ['HOME_OF_SIGBENCH_TEST'] = 'x'; os.environ.pop('PATH', '')", ""),
    "leaves": ("os._exit(0)", "WorkerDied: exit code 0"),
    "threads": (
        "def hog():\n        while True: np.seterr(all='raise'); time.sleep(0)\n"
        "    threading.Thread(target=hog, daemon=True).start()",
        "",
    ),
    "prints": ("print('x' * 10**7)", ""),
    "closes": ("os.closerange(0, 3)", ""),
    "closes_all": ("os.closerange(0, 1000)", "WorkerDied: "),
    "writes_all": (
        "for fd in range(3, 50):\n        try: os.write(fd, b'\\xff' * 100)\n"
        "        except OSError: pass",
        "BadEstimate: the process of the method sent no valid answer: a message has",
    ),
    "folder": ("os.chdir('/')", ""),
    "path": ("sys.path.clear()", ""),
    "modules": ("sys.modules['sigbench'] = None", ""),
    "random": ("np.random.seed(3); random.seed(3)", ""),
    "signals": (
        "for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):\n"
        "        signal.signal(one, signal.SIG_IGN)",
        "",
    ),
    "recursion": ("sys.setrecursionlimit(60)", ""),
    "recurses": ("def f(): f()\n    f()", "RecursionError: "),
    "atexit": ("atexit.register(os.kill, os.getppid(), 9)", ""),
    "locale": ("locale.setlocale(locale.LC_ALL, 'C')", ""),
    "gc": ("gc.disable(); gc.freeze()", ""),
    "builtins": ("builtins.len = lambda x: 0", "BadEstimate: "),
    "checks": (
        "import sigbench.benchmark.engine.session as s\n"
        "    s.check_estimate = lambda *a: None\n    return np.full_like(noisy, np.nan)",
        "BadEstimate: the estimate contains nan in item 0",
    ),
    "slower": (
        "counts = iter(range(9))\n    time.perf_counter = lambda: -next(counts)",
        "BadEstimate: the process of the method sent seconds=",
    ),
    "forks": ("if os.fork() == 0: return 0.1 * noisy", ""),
    "deletes": ("[sys.modules.pop(name, 0) for name in (__name__, 'numpy')]", ""),
    "own_error": ("raise Odd", "Odd: its message raises Odd"),
    "interrupts": ("raise KeyboardInterrupt('x')", "KeyboardInterrupt: x"),
    "subclass": ("return (0.5 * noisy).view(Sub)", "BadEstimate: the estimate is a Sub"),
    "memmap": (
        "return np.memmap('map', noisy.dtype, 'w+', shape=noisy.shape)",
        "BadEstimate: the estimate is a memmap",
    ),
    "pickle": ("return Pickle()", "BadEstimate: the estimate is a Pickle"),
    "an_error_with_code": ("raise Pickled(Pickle())", "Pickled: "),
    "segfault": ("import ctypes; ctypes.string_at(0)", "WorkerDied: signal SIGSEGV"),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', ''])", "WorkerDied: "),
    "parent": ("os.kill(os.getppid(), 9)", None),
    "huge": ("return np.zeros((10**5, 1, 100))", "BadEstimate: the estimate has shape (100000"),
    "tty": ("open('/dev/tty', 'w').write('hello')", "OSError: "),
}
START = """
import atexit, builtins, gc, locale, os, random, re, resource, signal, sys, threading, time, warnings
import numpy as np

class Odd(BaseException):
    def __str__(self): raise Odd

class Pickled(Exception): pass

class Pickle:
    def __reduce__(self): return os.mkdir, ("unpickled",)

class Sub(np.ndarray):
    def __array_finalize__(self, other): np.seterr(all="raise")
    def __eq__(self, other): return True
"""
METHODS = [
    "noisy",
    "affine",
    "wiener-printed",
    "honest:honest",
    "honest:stateful",
    "honest:at_home",
]
RUN = ["run", "table1", "--items", "4", "--seeds", "1", "-o", "run"]


def write_modules(folder):
    (folder / "honest.py").write_text(HONEST)
    calls = (
        f"def do_{name}(noisy):\n    {code}\n    return 0.5 * noisy"
        for name, (code, _) in WRONG.items()
    )
    (folder / "wrong.py").write_text(START + "\n".join(calls) + "\n")


def values(path, methods=METHODS):
    """Return the values and keys of methods, exactly."""
    files = sorted((Path(path) / "cells").glob("*.parquet"))
    row = ["problem", "seed", "method", "params", "metric", "item"]
    cells = pd.concat(pd.read_parquet(file) for file in files).astype(dict.fromkeys(row, object))
    chosen = cells[cells["method"].isin(methods)].set_index(row)
    return chosen[["value", "cell_key"]].astype(object).sort_index()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The values of the honest methods without others."""
    folder = tmp_path_factory.mktemp("alone")
    write_modules(folder)
    command = [sys.executable, "-m", "sigbench", *RUN, "-m", *METHODS, "-j", "1", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    return values(folder / "run")


@pytest.mark.skipif(sys.platform != "linux", reason="the methods use calls of Linux")
@pytest.mark.parametrize("where", ["1", "2", "3", "dask"])
def test_misbehaving_methods_change_nobody_elses_values(here, where, alone, request, capfd):
    write_modules(here)
    place = ["-j", where]
    if where == "dask":
        place = ["--executor", f"dask://{request.getfixturevalue('cluster')}"]
    wrong = [f"wrong:do_{name}" for name in WRONG]
    mixed = [m for pair in zip(wrong, METHODS * 9, strict=False) for m in pair]
    assert main([*RUN, "-m", *dict.fromkeys([*mixed, *METHODS]), *place]) == 1
    pd.testing.assert_frame_equal(values("run"), alone, check_exact=True)
    errors = {
        f["method"].removeprefix("wrong:do_"): f["error"]
        for f in RunFolder(here / "run").failures()
    }
    expected = {name: error for name, (_, error) in WRONG.items() if error}
    errors.pop("parent", None)  # it may have answered before it is killed
    assert errors.keys() == expected.keys()
    for name, error in expected.items():
        assert errors[name].startswith(error), name
    assert not (here / "unpickled").exists()
    printed = capfd.readouterr()
    assert "x" * 100 not in printed.out + printed.err


IMPORTS = {
    "exits": ("import os; os._exit(3)", "WorkerDied: exit code 3"),
    "raises": ("class Own(BaseException): pass\nraise Own('no')", "Own: no"),
    "leaves": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "loops": ("while True: pass", "TimeoutError: longer than 1 s"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "WorkerDied: signal SIGSEGV"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "WorkerDied: signal SIGKILL"),
    "recurses": ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    "syntax": ("def f(:", "SyntaxError: invalid syntax"),
    "absent": ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
    "lines": ("raise ValueError('one\\ntwo')", "ValueError: one two"),
    "speechless": (
        "class E(Exception):\n    def __str__(self): raise E\nraise E",
        "E: <exception str() failed>",
    ),
    "thread": (
        "import threading, os\nthreading.Thread(target=lambda: os._exit(4)).start()\n"
        "while True: pass",
        "WorkerDied: exit code 4",
    ),
    "stops": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "TimeoutError: longer"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_a_module_that_cannot_be_imported_is_one_line(here, name, capfd):
    code, message = IMPORTS[name]
    (here / f"own_{name}.py").write_text(f"print('noise')\n{code}\ndef f(noisy): return noisy\n")
    limit = "1s" if "TimeoutError" in message else "60s"
    assert main(["run", "table1", "-m", f"own_{name}:f", "--timeout", limit]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"cannot import 'own_{name}' from the working directory: {message}" in err
    assert f"own_{name}" not in sys.modules
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import json\njson.dumps = lambda *a, **k: '[1]'", "sent no valid answer"),
        ("import dataclasses\ndataclasses.asdict = lambda x: {}", "invalid description: 'info'"),
        (
            "class F:\n    info = 3\n    def __call__(s, noisy, *, sigma=None): return noisy",
            "info=3 must",
        ),
        (
            "class F:\n    @property\n    def info(s): raise OSError('no')\n"
            "    def __call__(s, noisy, *, sigma=None): return noisy",
            "OSError: no",
        ),
        ("import builtins\nbuiltins.isinstance = lambda *a: 1 / 0", "WorkerDied: exit code 1"),
    ],
)
def test_a_module_that_changes_its_own_description_is_one_line(here, code, message):
    (here / "own_liar.py").write_text(f"def F(noisy): return noisy\n{code}\n")
    with pytest.raises(InputError, match=message) as caught:
        resolve("own_liar:F")
    assert "\n" not in str(caught.value)


def test_the_planning_process_imports_no_module_of_a_user(here):
    (here / "own_quiet.py").write_text(
        "import os, sys\n"
        "with open('pids', 'a') as file: file.write(f'{os.getpid()}\\n')\n"
        "def f(noisy): return noisy\n"
    )
    path = [*sys.path]
    with import_limit(20):
        (method,) = resolve("own_quiet:f")
    assert method.info.name == "f"
    assert "own_quiet" not in sys.modules
    assert sys.path == path
    assert main(["run", "table1", "-m", "noisy", "own_quiet:f", "--items", "2", "--quiet"]) == 0
    pids = (here / "pids").read_text().split()
    assert len(pids) == len({*pids, str(os.getpid())}) - 1 == 1 + 1 + 3  # twice described, 3 cells


def test_what_a_method_prints_is_in_its_log(here, capfd):
    (here / "own_loud.py").write_text(
        "import os, subprocess, sys\n"
        "print('imported')\n"
        "def f(noisy):\n"
        "    print('out'); print('err', file=sys.stderr); os.write(1, b'raw\\n')\n"
        "    subprocess.run(['echo', 'child'])\n"
        "    return noisy\n"
        "def fails(noisy):\n    print('before'); 1 / 0\n"
        "def hangs(noisy):\n    print('waiting', flush=True)\n    while True: pass\n"
        "def much(noisy):\n    print('y' * 10**6); return noisy\n"
    )
    names = [f"own_loud:{name}" for name in ("f", "fails", "hangs", "much")]
    run = [*RUN, "-m", "noisy", *names, "-j", "2"]
    assert main([*run, "--timeout", "8s"]) == 1
    printed = capfd.readouterr()
    for text in ("imported", "raw", "child", "before", "waiting", "yyy"):
        assert text not in printed.out + printed.err
    assert "output of methods: run/logs" in printed.err
    logs = {path.name.split(".")[0]: path for path in (here / "run/logs").iterdir()}
    text = {name.removeprefix("own_loud_"): path.read_text() for name, path in logs.items()}
    assert text["f"].startswith("--- sparse-spikes, seed 1\n")
    for word in ("imported", "out", "err", "raw", "child"):
        assert f"{word}\n" in text["f"]
    assert "before" in text["fails"]
    assert "waiting" in text["hangs"]
    assert len(text["much"]) < MAX_LOG + 200
    assert re.search(r"\[\d+ more bytes\]\n$", text["much"])
    listed = RunFolder(here / "run").manifest.require()["files"]
    assert {f"logs/{path.name}" for path in logs.values()} <= set(listed)
    (here / "run/logs/notes.txt").write_text("mine")
    assert (
        main(
            ["run", "table1", "--items", "4", "--seeds", "1", "-m", "noisy", "-o", "run", "--fresh"]
        )
        == 0
    )
    assert [path.name for path in (here / "run/logs").iterdir()] == ["notes.txt"]


def test_a_log_is_bounded(here):
    (here / "own_loud.py").write_text(
        "def much(noisy):\n    print(('y' * 99 + '\\n') * 10**4); return noisy\n"
    )
    seeds = ",".join(map(str, range(20)))
    run = ["run", "table1", "--items", "2", "--seeds", seeds, "-o", "run", "-m", "noisy"]
    assert main([*run, "own_loud:much", "--quiet"]) == 0
    (log,) = (here / "run/logs").iterdir()
    assert MAX_BYTES / 2 < log.stat().st_size <= MAX_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only process groups are killed")
def test_nothing_that_a_method_starts_is_left_behind(here, wait_until):
    (here / "own_daemon.py").write_text(
        "import os, subprocess, time\n"
        "def f(noisy):\n"
        "    subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            with open('pids', 'a') as file: file.write(f'{os.getpid()}\\n')\n"
        "            time.sleep(1000)\n"
        "        os._exit(0)\n"
        "    while not os.path.exists('pids'): time.sleep(0.01)\n"
        "    return noisy\n"
        "def hangs(noisy):\n    f(noisy)\n    while True: pass\n"
    )
    run = [*RUN, "-m", "noisy", "own_daemon:f", "own_daemon:hangs", "--quiet", "--timeout", "2s"]
    assert main(run) == 1
    pids = (here / "pids").read_text().split()
    assert len(pids) >= 2
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


PROBLEM = Denoising("p", SparseSpikes(), Gaussian(sigma=3.0), items=5, train_items=20)


def go(*methods, timeout=None):
    cells = [Cell(PROBLEM, seed, m, f"{seed}{m.name}") for seed in (1, 2) for m in methods]
    executor = ExecutorConfig(timeout=timeout).open(own=True)
    try:
        ended = list(run(cells, {"rmse": METRICS["rmse"]}, 3, executor))
    finally:
        executor.close()
    return {(one.cell.method.name, one.cell.seed): one for one in ended}


def test_objects_of_a_script_are_isolated_without_settings(tmp_path):
    seen = []

    def spoils(noisy):
        seen.append(1)
        np.seterr(all="raise")
        return 0.5 * noisy

    suite = load("table1").select(methods=["noisy", "affine"], seeds=[1], items=4)
    before = np.geterr()
    run_suite(suite, tmp_path / "without")
    with_it = dataclasses.replace(suite, methods=(Method("s", spoils), *suite.methods))
    done = run_suite(with_it, tmp_path / "with")
    assert (done.computed, done.failed) == (5, 0)
    assert not seen
    assert np.geterr() == before
    one, other = (values(tmp_path / name, ["noisy", "affine"]) for name in ("without", "with"))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_learner_is_fitted_in_its_process_with_the_same_data():
    def only_in_a_method_process(gain):
        assert os.getsid(0) == os.getpid()  # a worker has the session of its parent
        return Gain(gain)

    @dataclasses.dataclass(frozen=True)
    class Gain:
        gain: float

        def __call__(self, noisy, *, sigma=None):
            return noisy * self.gain

        def __reduce__(self):
            return only_in_a_method_process, (self.gain,)

    @dataclasses.dataclass(frozen=True)
    class Draws:
        """Uses everything that a training split offers, also with a generator of its own."""

        def fit(self, train, *, rng):
            own = np.random.Generator(np.random.MT19937(3))
            parts = [train.pairs.noisy, train.validation.target, train.second()]
            parts += [train.draw(3, rng).noisy, train.draw(2, own, "noisy").target]
            parts.append(train.draw(2, rng).sigma)
            parts.append(train.apply(lambda y, sigma: y * sigma[:, None, None], train.pairs))
            total = sum(float(np.abs(part).sum()) for part in parts)
            return Gain(total + rng.random() + own.random())

    method = Method("draws", Draws(), sigma_given=True)
    here = Fit(PROBLEM, method)()
    ended = go(method)
    assert {one.params for one in ended.values()} == {f"gain={here.gain:.6g}"}
    assert {one.knowledge for one in ended.values()} == {"fitted"}


def test_what_a_learner_asks_for_wrongly_is_its_own_error():
    class Asks:
        def __init__(self, how):
            self.how = how

        def fit(self, train, *, rng):
            if self.how == "target":
                return train.draw(2, rng, target="nothing")
            return train.draw(2, np.random.RandomState(0))

    ended = go(Method("target", Asks("target")), Method("rng", Asks("rng")))
    assert ended["target", 1].error == "InputError: target='nothing' must be one of: clean, noisy"
    assert ended["rng", 1].error.startswith("AttributeError: ")


def test_only_an_oracle_gets_the_clean_items():
    class Own:
        def bind(self, clean):
            return Function(lambda noisy: clean)

    class Late:
        """It becomes an oracle in its own process."""

        def __call__(self, noisy, *, sigma=None):
            Late.bind = lambda self, clean: Function(lambda noisy: clean)
            return noisy

    ended = go(Method("own", Own()), Method("late", Late()))
    assert ended["own", 1].values["rmse"].max() == 0
    assert ended["own", 1].knowledge == "oracle"
    assert ended["late", 1].error == "BadEstimate: an oracle is not given the clean items here"


def test_methods_that_cannot_be_sent_are_failures():
    lock = __import__("threading").Lock()
    ended = go(Method("locked", Function(lambda noisy: lock)), Method("fine", Function(np.copy)))
    assert ended["locked", 1].error.startswith("cannot be sent to a worker process: TypeError")
    assert ended["fine", 2].values["rmse"].shape == (5,)


def test_a_time_limit_ends_any_call():
    def stops(noisy):
        os.kill(os.getpid(), signal.SIGSTOP)

    def blocks(noisy):  # no thread can run
        re.match("(a+)+$", "a" * 60 + "b")

    def stays(noisy):
        if os.fork():  # the child keeps the connection
            os._exit(0)
        while True:
            pass

    hanging = go(*(Method(f.__name__, Function(f)) for f in (stops, blocks)), timeout=2.0)
    for name in ("stops", "blocks"):
        assert hanging[name, 1].error == "TimeoutError: longer than 2 s"
    ended = go(*(Method(f.__name__, Function(f)) for f in (stays, np.copy)), timeout=60.0)
    assert ended["stays", 1].error == "WorkerDied: exit code 0"
    assert ended["copy", 1].values["rmse"].shape == (5,)


def test_no_method_of_a_suite_is_own():
    """They run in the workers, which keep their data."""
    for name in ("table1", "images32", "deconvolution", "system-function", "noise-tracking"):
        assert not [m.name for m in load(name).methods if is_own(m.entry)]


@dataclasses.dataclass(frozen=True)
class Half:
    factor: float = 0.5

    def __call__(self, noisy, *, sigma=None):
        return self.factor * noisy


@pytest.mark.parametrize(
    "entry",
    [
        Half(),
        Function(np.copy),
        PerItem(np.copy),
        sigbench.Tuned(Half(), {"factor": [0.5, 1.0]}),
        sigbench.SureTuned(Half(), {"factor": [0.5, 1.0]}),
        sigbench.SelfEnsemble(Half()),
        sigbench.SelfEnsemble(Function(np.copy)),
        sigbench.Tuned(sigbench.GaussianBlur(), {"width": [np.copy]}),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_code_of_others_is_own_however_it_is_wrapped(entry):
    method = Method("x", entry)
    assert is_own(entry)
    closed = sealed(method)
    assert closed.key == method.key
    assert (closed.task, closed.is_learner, closed.is_oracle) == (
        method.task,
        method.is_learner,
        method.is_oracle,
    )
    assert [closed.knowledge(k) for k in (True, False)] == [
        method.knowledge(k) for k in (True, False)
    ]
    assert unsealed(closed).key == method.key


def test_a_seed_of_a_learner_from_a_module(here):
    (here / "own_seed.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass L:\n    seed: int = 0\n"
        "    def fit(self, train, *, rng):\n"
        "        seed = self.seed\n        return lambda noisy, sigma=None: noisy * seed\n"
    )
    (here / "own.toml").write_text(
        'metrics = ["rmse"]\nseeds = [1]\n[[problems]]\ndataset = "sparse-spikes"\n'
        'degradation = "gaussian[sigma=3]"\nitems = 3\ntrain_items = 5\n'
        '[[methods]]\nname = "own"\nmethod = "own_seed:L"\ntraining_seeds = [1, 2]\n'
    )
    suite = load("own.toml")
    assert [m.name for m in suite.methods] == ["noisy", "own #1", "own #2"]
    assert len({m.key for m in suite.methods}) == 3
    done = run_suite(suite, here / "run")
    assert (done.computed, done.failed) == (3, 0)


def test_without_fork_every_method_process_is_a_new_interpreter(here, monkeypatch):
    monkeypatch.setattr("sigbench.benchmark.isolation.process.CAN_FORK", False)
    (here / "own_spawned.py").write_text(
        "import os\nprint('imported')\n"
        "def f(noisy): return 0.5 * noisy\n"
        "def leaves(noisy): os._exit(3)\n"
    )
    methods = [resolve(f"own_spawned:{name}")[0] for name in ("f", "leaves")]
    cells = [Cell(PROBLEM, 1, method, method.name) for method in methods]
    fine, failed = run(cells, {"rmse": METRICS["rmse"]}, 3)  # in this process
    other = go(Method("f", Function(lambda noisy: 0.5 * noisy)))["f", 1]
    np.testing.assert_array_equal(fine.values["rmse"], other.values["rmse"])
    assert fine.log == "imported\n"
    assert failed.error == "WorkerDied: exit code 3"
    late = isolated(methods[0].entry, 0.01, lambda process: process.request({"do": "about"}))
    assert late.error == "TimeoutError: longer than 0.01 s"


class TestChannel:
    @pytest.fixture
    def ends(self):
        one, other = socket.socketpair()
        yield one, Channel(other)
        one.close()
        other.close()

    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6.0).reshape(1, 2, 3),
            np.zeros((0, 3), np.float32),
            np.array(3, np.int8),
            np.arange(8.0)[::2],
            np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            np.arange(3, dtype=">f8"),
        ],
    )
    def test_arrays_arrive_unchanged(self, ends, array):
        Channel(ends[0]).send({"a": [1, None]}, array, array)
        header, (first, second) = ends[1].receive()
        assert header == {"a": [1, None]}
        for got in (first, second):
            np.testing.assert_array_equal(got, array)
            assert (got.dtype, got.shape) == (array.dtype, array.shape)
            assert got.flags.writeable

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"nonsense",
            b"[1]",
            b"[[], []]",
            b'[{}, [["O", [1]]]]',
            b'[{}, [["f8", [-1]]]]',
            b'[{}, [["f8", [1.5]]]]',
            b'[{}, [["f8", [true]]]]',
            b'[{}, [[["f8"], [1]]]]',
            b'[{}, [["f8,f8", [1]]]]',
            b'[{}, [["S9", [1]]]]',
            b'[{}, [["f8", [1000000000000]]]]',
            b'[{}, [["f8", 3]]]',
            b"[" * 10**5,
            b"\xff",
        ],
    )
    def test_what_is_no_message_is_refused(self, ends, text):
        ends[0].sendall(LENGTH.pack(len(text)) + text)
        with pytest.raises(BadMessage):
            ends[1].receive(100)

    def test_a_huge_header_is_refused_before_it_is_read(self, ends):
        ends[0].sendall(LENGTH.pack(2**63))
        with pytest.raises(BadMessage, match="has 9223372036854775808 bytes"):
            ends[1].receive(100)

    def test_half_a_message_is_the_end(self, ends):
        ends[0].sendall(LENGTH.pack(10) + b"[{}")
        ends[0].close()
        with pytest.raises(EOFError):
            ends[1].receive()


def test_a_call_may_return_its_own_result():
    first = attempt(lambda: 3)
    assert attempt(lambda: first) is first
