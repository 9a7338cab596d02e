"""The runner of suites: what it leaves out, what it fails on, and what its last lines say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import suites as runner
from suites import Suite

PLAIN = Suite("plain", ["true"])
NEEDY = Suite("needy", ["true"], needs={"no-such-command": "libnone-dev", "sh": "dash"})
NEEDY_TOO = Suite("needy too", ["true"], needs={"no-such-command": "libnone-dev", "sh": "dash"})


def exit_codes(codes: dict[str, int]) -> Callable[[Sequence[str]], int]:
    """Pretend to run: the exit code of a command by its first word."""
    return lambda command: codes.get(command[0], 0)


def test_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.run_all([PLAIN, PLAIN], all_needed=True, run=exit_codes({})) == 0
    assert capsys.readouterr().out.endswith("2 suites: 2 passed, 0 failed\n")


def test_a_failure_is_named_and_the_rest_still_runs(capsys: pytest.CaptureFixture[str]) -> None:
    suites = [Suite("broken", ["false"]), PLAIN]
    assert runner.run_all(suites, all_needed=False, run=exit_codes({"false": 1})) == 1
    out = capsys.readouterr().out
    assert "== plain ==" in out
    assert out.endswith("2 suites: 1 passed, 1 failed\nFAILED broken: false\n")


def test_a_suite_without_its_command_is_left_out_and_the_last_line_brings_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert runner.run_all([PLAIN, NEEDY, NEEDY_TOO], all_needed=False, run=exit_codes({})) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4] == "3 suites: 1 passed, 0 failed, 2 left out"
    assert lines[-3] == "left out needy: it needs no-such-command"
    assert lines[-1] == "apt-get install libnone-dev"


def test_a_suite_left_out_fails_where_all_are_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.run_all([PLAIN, NEEDY], all_needed=True, run=exit_codes({})) == 1
    assert "FAILED needy: it needs no-such-command" in capsys.readouterr().out


def test_a_suite_with_its_command_is_run() -> None:
    def run(command: Sequence[str]) -> int:
        ran.append(list(command))
        return 0

    ran: list[list[str]] = []
    assert runner.run_all([NEEDY], all_needed=True, run=run, find=lambda need: True) == 0
    assert ran == [["true"]]


def test_a_suite_whose_probe_fails_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    def works(command: Sequence[str]) -> bool:
        return command[0] == "good"

    bad = Suite("bad", ["true"], probe_packages="libone libtwo", probe=["bad", "-c", "import it"])
    good = Suite("good", ["true"], probe=["good"])
    assert runner.run_all([bad, good, NEEDY], all_needed=False, run=exit_codes({}), works=works) == 0
    out = capsys.readouterr().out
    assert "== good ==" in out
    assert "3 suites: 1 passed, 0 failed, 2 left out" in out
    assert "left out bad: this fails: bad -c 'import it'" in out
    assert out.endswith("apt-get install libnone-dev libone libtwo\n")
    assert runner.run_all([bad], all_needed=True, run=exit_codes({}), works=works) == 1


def test_the_build_server_installs_what_qt_wants() -> None:
    script = (Path(runner.ROOT) / ".ci/run").read_text(encoding="utf-8")
    assert f"for library in {runner.QT_PACKAGES}; do" in script


def test_every_fuzz_target_replays_its_corpus() -> None:
    targets = {path.stem for path in (Path(runner.ROOT) / "fuzz/fuzz_targets").glob("*.rs")}
    suites = {suite.name.removeprefix("fuzz corpus: ") for suite in runner.SUITES if "fuzz" in suite.name}
    assert targets
    assert suites == targets


def test_a_header_is_found_by_the_compiler_and_a_program_on_the_path() -> None:
    assert runner.find("sh")
    assert runner.find("stdio.h")
    assert not runner.find("no-such-command")
    assert not runner.find("no-such-header.h")
