# SPDX-License-Identifier: MIT
"""tools/run_tests ends at once and quietly when it is interrupted, and lets what runs clean up; it
runs programs side by side, and is never silent for long."""

import os
import pathlib
import runpy
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

RUNNER = """
import runpy, subprocess, sys
sys.argv = ["run_tests", "unit"]
real = subprocess.Popen
subprocess.Popen = lambda argv, **more: real(["sh", "-c", {script!r}], **more)
runpy.run_path({tool!r}, run_name="__main__")
"""


def test_ctrl_c_is_passed_on_and_leaves_no_traceback(tmp_path):
    script = f"trap 'touch {tmp_path}/cleaned; exit 1' INT; touch {tmp_path}/started; "
    script += "while :; do sleep 0.1; done"
    text = RUNNER.format(tool=str(ROOT / "tools" / "run_tests"), script=script)
    process = subprocess.Popen([sys.executable, "-c", text], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    while not (tmp_path / "started").exists():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130 and time.monotonic() - started < 5
    assert (tmp_path / "cleaned").exists()
    assert "interrupted" in output and "Traceback" not in output, output


LIMIT = """
import pathlib, runpy
tool = runpy.run_path({tool!r})["command"]
directory = pathlib.Path({directory!r})
tool.__globals__.update(COUNT_S={count_s}, RESULTS=directory, ROOT=directory)
print(tool("x", ["sleep", "20"], seconds=0.4, quiet=True).why)
"""


def test_limits_of_time_grow_with_the_slowness_of_the_machine(tmp_path):
    for count_s, limit in ((1e9, "within 0 s"), (1e-9, "within 3 s")):
        text = LIMIT.format(
            tool=str(ROOT / "tools" / "run_tests"), directory=str(tmp_path), count_s=count_s
        )
        done = limited(text, {})
        assert limit in done and "x.log" in done, done
        assert "OPENKEYRING_TIME_FACTOR=" in done, "it says how to give it more time"
    assert "within 2 s (0.4 s on a fast" in limited(text, {"OPENKEYRING_TIME_FACTOR": "6"})


def limited(text: str, more: dict[str, str]) -> str:
    environment = {name: value for name, value in os.environ.items()
                   if name != "OPENKEYRING_TIME_FACTOR"}
    return subprocess.run([sys.executable, "-c", text], text=True, capture_output=True,
                          env={**environment, **more}, check=True).stdout


def test_a_build_that_still_writes_is_not_ended(tmp_path):
    """On a clock that only output moves, and silence."""
    out = with_programs(tmp_path, """
import types
os.environ["OPENKEYRING_TIME_FACTOR"] = "1"
now = [0.0]
test_programs.time = types.SimpleNamespace(monotonic=lambda: now[0])
take = test_programs._Output.take
def take_later(self, chunk):
    now[0] += 0.6
    take(self, chunk)
    open(f"{test_programs.ROOT}/taken.{chunk.decode().split()[-1]}", "w").close()
test_programs._Output.take = take_later
def run(script):
    return command("x", ["sh", "-c", script], seconds=1, quiet=True, while_it_writes=True)
done = run("for i in 1 2 3 4; do echo $i; until [ -e taken.$i ]; do sleep 0.02; done; done")
print(done.result, f"{now[0]:.1f}")
def say(self):
    now[0] += 1.1
test_programs._Output.say_what_runs = say
print(run("sleep 30").why)
""")
    assert "passed 2.4" in out and "wrote nothing for 1 s" in out


def test_a_case_of_a_suite_that_fails_is_named_with_the_log_of_the_suite(tmp_path):
    tool = runpy.run_path(str(ROOT / "tools" / "run_tests"))
    report = tmp_path / "x.xml"
    report.write_text("<testsuite><testcase classname='a' name='b'><failure message='no'/>"
                      "</testcase></testsuite>")
    ran = tool["Case"]("x tests", "failed", "ended with 1; log: build/test/x-tests.log",
                       "build/test/x-tests.log")
    case, = tool["cases_of_report"](report, "x", ran)
    assert (case.result, case.why) == ("failed", "no; log: build/test/x-tests.log")


def with_programs(directory, text: str) -> str:
    """What tools/test_programs.py prints, with its logs in `directory`."""
    text = f"""
import functools, os, pathlib, sys, threading
sys.path.insert(0, {str(ROOT / "tools")!r})
import test_programs
from test_programs import command, together
test_programs.ROOT = test_programs.RESULTS = pathlib.Path({str(directory)!r})
{text}"""
    done = subprocess.run([sys.executable, "-c", text], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_programs_that_wait_for_each_other_run_at_the_same_time(tmp_path):
    out = with_programs(tmp_path, """
def meet(mine, other):
    script = f"touch {mine}; while [ ! -e {other} ]; do sleep 0.05; done; echo {mine} has met"
    return functools.partial(command, mine, ["sh", "-c", script], seconds=20)
print([case.result for case in together([meet("a", "b"), meet("b", "a")], 2)])
""")
    assert "a has met" in out and "b has met" in out and "['passed', 'passed']" in out
    assert (tmp_path / "a.log").read_text() == "a has met\n"


def test_the_one_of_several_that_fails_is_told(tmp_path):
    out = with_programs(tmp_path, """
calls = [functools.partial(command, f"{n}", ["sh", "-c", f"exit {n}"], seconds=20)
         for n in (0, 3, 0)]
print([(case.name, case.why) for case in together(calls, 2) if case.result == "failed"])
""")
    assert "[('3', 'ended with 3; log: 3.log')]" in out


def test_ctrl_c_reaches_all_that_run_side_by_side(tmp_path):
    out = with_programs(tmp_path, """
script = "trap 'touch cleaned.{0}; exit 1' INT; touch started.{0}; while :; do sleep 0.1; done"
calls = [functools.partial(command, n, ["sh", "-c", script.format(n)], seconds=40) for n in "ab"]
def interrupt():
    while not all(os.path.exists(f"{test_programs.ROOT}/started.{n}") for n in "ab"):
        pass
    os.kill(os.getpid(), 2)
threading.Thread(target=interrupt).start()
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    together(calls, 2)
except KeyboardInterrupt:
    print("interrupted")
""")
    assert out.strip() == "interrupted"
    assert (tmp_path / "cleaned.a").exists() and (tmp_path / "cleaned.b").exists()


def test_a_program_that_starts_after_ctrl_c_is_ended_too(tmp_path):
    out = with_programs(tmp_path, """
children = test_programs.Children()
children.end()
case = command("late", ["sh", "-c", "sleep 50; touch ended"], seconds=40, children=children)
print(case.result, case.why)
""")
    assert out == "failed interrupted\n" and not (tmp_path / "ended").exists()


def test_a_quiet_program_is_said_to_be_running(tmp_path):
    out = with_programs(tmp_path, """
test_programs.SILENCE_S = 0
script = "echo '[1/2] first'; while [ ! -e end ]; do sleep 0.05; done"
real = print
def show(text, **more):
    real(text, **more)
    if "[1/2]" in text:
        open(f"{test_programs.ROOT}/end", "w").close()
test_programs.print = show
command("build", ["sh", "-c", script], seconds=50, quiet=True)
""")
    assert " s [1/2] first" in out


def test_a_program_that_closes_its_output_is_waited_for(tmp_path):
    out = with_programs(tmp_path, """
print(command("x", ["sh", "-c", "exec > /dev/null 2>&1; sleep 0.2; exit 7"], seconds=20).why)
""")
    assert out.strip() == "ended with 7; log: x.log"


def test_what_is_only_for_all_is_not_in_an_ordinary_run():
    tool = runpy.run_path(str(ROOT / "tools" / "run_tests"))
    said = {name for name, (_, what) in tool["SUITES"].items()
            if "with --all, or when named" in what}
    assert said == tool["ONLY_WHEN_ASKED"]


def test_every_suite_says_which_packages_it_needs():
    groups = {line.split()[0] for line in (ROOT / "tools/packages.txt").read_text().splitlines()
              if line and not line.startswith("#")}
    for line in (ROOT / "tools/suites.txt").read_text().splitlines():
        if not line.startswith("#"):
            needed = set(line.split()[1].split(","))
            assert needed <= groups, line
            assert "build" in needed or "pytest" in needed, line
