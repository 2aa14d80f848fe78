"""SIGINT, SIGTERM and SIGHUP end a command with one line, and leave no process behind."""

import atexit
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sigbench.core import interrupts
from sigbench.core.interrupts import Interrupted, deferred

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
    pytest.mark.usefixtures("here"),
]
LINES = {
    signal.SIGINT: "interrupted; run the same command again to resume\n",
    signal.SIGTERM: "interrupted by SIGTERM; run the same command again to resume\n",
    signal.SIGHUP: "interrupted by SIGHUP; run the same command again to resume\n",
}
TINY = str(Path(__file__).parent / "tiny.toml")
STUCK = """
import pathlib, time
def f(noisy):
    pathlib.Path("begun").touch()
    time.sleep(600)
"""


def start(*argv, **options):
    command = [sys.executable, "-m", "sigbench", *argv]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stderr=pipe, text=True, start_new_session=True, **options)


def processes_of(session):
    """Return the processes of a session that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(own) == session and state != "Z":
            found.append(entry.name)
    return found


def ended(process, wait_until):
    """Return the exit code and the standard error of a process that leaves none behind."""
    _, err = process.communicate(timeout=60)
    if sys.platform == "linux":
        wait_until(lambda: not processes_of(process.pid))
    return process.returncode, err


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (signal.SIGINT, True),  # as a terminal does
        (signal.SIGHUP, True),
        (signal.SIGTERM, False),  # as a supervisor does
    ],
)
def test_a_run_ends(wait_until, number, group):
    Path("stuck.py").write_text(STUCK)
    run = start("run", TINY, "-m", "noisy", "stuck:f", "-j", "2", "-o", "out")
    wait_until(lambda: Path("begun").exists() or run.poll() is not None)
    (os.killpg if group else os.kill)(run.pid, number)
    assert ended(run, wait_until) == (128 + number, LINES[number])


def test_denoise_cannot_be_resumed(wait_until):
    """Files that are written need --force, so the line does not promise to resume."""
    Path("stuck.py").write_text(STUCK)
    Path("a.csv").write_text("1.5\n2.5\n")
    run = start("denoise", "a.csv", "-o", "b.csv", "-m", "stuck:f")
    wait_until(lambda: Path("begun").exists() or run.poll() is not None)
    run.send_signal(signal.SIGINT)
    expected = "interrupted; no incomplete file was written\n"
    assert ended(run, wait_until) == (130, expected)
    assert not Path("b.csv").exists()


# A command whose first import sends a signal: nothing but one line, whatever is being imported.
IMPORTS = """
import os, sys
def hook(event, args):
    if event == "import" and args[0] == sys.argv[1] and not sent:
        sent.append(True)
        os.kill(os.getpid(), int(sys.argv[2]))
sent = []
sys.addaudithook(hook)
import runpy
sys.argv[1:] = sys.argv[3:]
runpy.run_module("sigbench", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("argparse", signal.SIGINT),
        ("multiprocessing.forkserver", signal.SIGTERM),
        ("numpy", signal.SIGINT),
        ("pyarrow", signal.SIGHUP),
    ],
)
def test_a_signal_during_an_import(wait_until, module, number):
    script = IMPORTS.replace("sys.argv[1]", repr(module)).replace("sys.argv[2]", repr(int(number)))
    script = script.replace("sys.argv[3:]", repr(["run", TINY, "-o", "out", "--quiet"]))
    run = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert ended(run, wait_until) == (128 + number, LINES[number])


def test_a_signal_that_a_callback_loses(wait_until):
    """Python can only print an exception in ``__del__``; the command ends all the same."""
    script = (
        "import os, signal\n"
        "from sigbench.core import interrupts\n"
        "interrupts.install()\n"
        "class C:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGTERM)\n"
        "C()\n"
        "print('lost')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, "", LINES[signal.SIGTERM])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_an_ignored_signal_stays_ignored(wait_until, number):
    """As under nohup, and in the background of a script."""
    Path("ask.py").write_text(
        "import pathlib, time\n"
        "def f(noisy):\n"
        "    pathlib.Path('begun').touch()\n"
        "    while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
        "    return 0.5 * noisy\n"
    )
    before = signal.signal(number, signal.SIG_IGN)
    try:
        run = start("run", TINY, "-m", "ask:f", "-o", "out", "--quiet", "-j", "1")
    finally:
        signal.signal(number, before)
    wait_until(lambda: Path("begun").exists() or run.poll() is not None)
    os.kill(run.pid, number)
    Path("go").touch()
    code, err = ended(run, wait_until)
    assert (code, err.count("\n")) == (0, 1)
    assert "cells run" in err


@pytest.mark.parametrize(
    ("engine", "number"), [("numpy", signal.SIGTERM), ("torch", signal.SIGHUP)]
)
def test_a_training_keeps_a_checkpoint(wait_until, number, engine):
    Path("tiny.toml").write_text(
        'network = "shrinknet[width=4]"\noptimizer = "adam[lr=1e-2]"\nbatch = 4\nsteps = 8000\n'
        f'engine = "{engine}"\n[data]\ndataset = "sparse-spikes"\n'
        'degradation = "gaussian[sigma=3]"\npairs = 8\nvalidation = 4\nmetric = "psnr_table1"\n'
    )
    run = start("train", "tiny.toml")
    run.stderr.readline()  # the first validation
    os.kill(run.pid, number)
    code, err = ended(run, wait_until)
    assert code == 128 + number
    assert err.splitlines()[-1].startswith("interrupted at step ")
    assert "Traceback" not in err
    assert sorted(path.name for path in Path().iterdir()) == [
        "tiny.checkpoint.safetensors",
        "tiny.toml",
    ]


@pytest.mark.parametrize("number", LINES)
def test_a_signal_after_the_work_keeps_its_exit_code(number):
    """Also one that arrives while the interpreter is torn down."""
    script = (
        "import os, sys\n"
        "from sigbench.cli.main import main\n"
        f"class Late:\n"
        f"    def __del__(self, kill=os.kill, pid=os.getpid()): kill(pid, {int(number)})\n"
        "sys.late = Late()\n"
        "sys.argv = ['sigbench', 'list', 'unknown']\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 2


class TestDeferred:
    @pytest.fixture(autouse=True)
    def handlers(self):
        before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
        hook = sys.unraisablehook
        interrupts.install()
        yield
        atexit.unregister(interrupts._ignore)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)

    @pytest.mark.parametrize("number", LINES)
    def test_the_first_signal_waits_and_the_second_does_not(self, number):
        with deferred() as received:
            assert received() == 0
            signal.raise_signal(number)
            assert received() == number
            with pytest.raises(Interrupted):
                signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted) as stop:
            signal.raise_signal(number)
        assert stop.value.number == number

    def test_not_in_another_thread(self):
        found = []

        def use():
            with deferred() as received:
                found.append(received())

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert found == [0]

    def test_an_ignored_signal_is_not_deferred(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with deferred() as received:
            signal.raise_signal(signal.SIGHUP)
            assert received() == 0
