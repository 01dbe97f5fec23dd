# SPDX-License-Identifier: MIT
"""tools/run_tests ends at once and quietly when it is interrupted, and lets what runs clean up."""

import os
import pathlib
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
        done = subprocess.run([sys.executable, "-c", text], text=True, capture_output=True)
        assert limit in done.stdout, done
