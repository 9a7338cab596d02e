"""Long traces: the GIL is free, progress is told, Ctrl-C stops them."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import component, source

from optiverse_engine import OptionError, Scene, Tracer, _progress

MANY = 10**9


class StopTraceError(Exception):
    """Raised to end a trace."""


def test_another_thread_runs_meanwhile(long_scene):
    counted, tracing = 0, True

    def count():
        nonlocal counted
        while tracing:
            counted += 1
            time.sleep(0.001)

    def stop(_done, _total):
        # Called after a quarter of a second, with the other thread having had all that time.
        assert threading.current_thread() is threading.main_thread()
        raise StopTraceError

    thread = threading.Thread(target=count)
    thread.start()
    try:
        with pytest.raises(StopTraceError):
            long_scene.trace(max_vertices=MANY, progress=stop)
    finally:
        tracing = False
        thread.join()
    assert counted > 20


def test_progress_is_told_a_few_times_a_second_and_stops_at_an_error(long_scene):
    calls = []

    def progress(done, total):
        calls.append((time.monotonic(), done, total))
        if len(calls) == 3:
            raise StopTraceError("enough")

    start = time.monotonic()
    with pytest.raises(StopTraceError, match="enough"):
        long_scene.trace(max_vertices=MANY, progress=progress)
    times, done, total = zip(*calls, strict=True)
    assert set(total) == {10_000_000}
    assert list(done) == sorted(done)
    assert times[0] - start >= 0.2
    assert times[-1] - start < 3.0


def test_a_short_trace_tells_its_end_and_does_not_wait(splitter_scene):
    calls = []
    start = time.monotonic()
    for _ in range(20):
        splitter_scene.trace(progress=lambda *call: calls.append(call))
    assert time.monotonic() - start < 20 * 0.05
    assert calls == [(3, 3)] * 20


def scene_of_980_mirrors():
    """Light between two of them. A trace is brief to 5e7: one search more than events, each as 20 and 980 surfaces."""
    scene = Scene()
    scene.add(source(n_rays=1, ray_length_mm=1e9))
    for number in range(980):
        x_mm = (-200.0, 100.0)[number] if number < 2 else 1000.0 + number
        scene.add(component(f"mirror {number}", "mirror", x_mm=x_mm, reflectivity=100.0))
    return scene


@pytest.mark.parametrize(("events", "is_brief"), [(49_999, True), (50_000, False)])
def test_a_brief_trace_is_made_on_the_calling_thread(events, is_brief):
    scene = scene_of_980_mirrors()
    assert scene.reports == []
    here_s, all_s = time.thread_time(), time.process_time()
    paths = scene.trace(max_events=events, min_intensity=1.0, threads=1)
    here_s, all_s = time.thread_time() - here_s, time.process_time() - all_s
    assert len(paths.points) == events + 1
    assert here_s > 0.8 * all_s if is_brief else here_s < 0.5 * all_s


@pytest.mark.parametrize(("events", "is_brief"), [(49_999, True), (50_000, False)])
def test_a_brief_update_is_made_on_the_calling_thread(events, is_brief):
    scene = scene_of_980_mirrors()
    tracer = Tracer(scene, max_events=events, min_intensity=1.0, threads=1)
    scene.update("laser", y_mm=1.0)
    here_s, all_s = time.thread_time(), time.process_time()
    update = tracer.update()
    here_s, all_s = time.thread_time() - here_s, time.process_time() - all_s
    assert len(update.paths.points) == events + 1
    assert here_s > 0.8 * all_s if is_brief else here_s < 0.5 * all_s


def stop(_done, _total):
    raise StopTraceError


def in_another_thread(work):
    """Do what should raise; return what it raised, and how long it took."""
    raised = []

    def do():
        try:
            work()
        except StopTraceError as error:
            raised.append(error)

    thread = threading.Thread(target=do)
    start = time.monotonic()
    thread.start()
    thread.join()
    return raised, time.monotonic() - start


def test_progress_stops_all_that_traces_in_another_thread_too(long_scene):
    raised, took_s = in_another_thread(lambda: long_scene.trace_within(60.0, max_vertices=MANY, progress=stop))
    assert len(raised) == 1
    assert took_s < 5.0
    raised, took_s = in_another_thread(lambda: Tracer(long_scene, max_vertices=MANY, progress=stop))
    assert len(raised) == 1
    assert took_s < 5.0
    long_scene.update("laser", n_rays=100)
    tracer = Tracer(long_scene, max_vertices=MANY)
    points = tracer.paths.points.copy()
    long_scene.update("laser", n_rays=10_000_000)
    raised, took_s = in_another_thread(lambda: tracer.update(progress=stop))
    assert len(raised) == 1
    assert took_s < 5.0
    assert (tracer.paths.points == points).all()
    long_scene.update("laser", n_rays=50)
    tracer.update()
    assert (tracer.paths.points == long_scene.trace().points).all()


def test_an_update_while_another_thread_is_at_one_keeps_nobody_from_running(long_scene):
    long_scene.update("laser", n_rays=100)
    tracer = Tracer(long_scene, max_vertices=MANY)
    long_scene.update("laser", n_rays=10_000_000)
    begun, enough = threading.Event(), threading.Event()

    def go_on(_done, _total):
        begun.set()
        if enough.is_set():
            raise StopTraceError

    def stop_both(_done, _total):
        # The other thread is heard meanwhile, although this one waits for it.
        enough.set()
        raise StopTraceError

    raised = []
    thread = threading.Thread(
        target=lambda: raised.extend(in_another_thread(lambda: tracer.update(progress=go_on))[0]),
    )
    thread.start()
    assert begun.wait(20.0)
    with pytest.raises(StopTraceError):
        tracer.update(progress=stop_both)
    thread.join()
    assert len(raised) == 1


def test_progress_of_all_that_traces_is_told_at_the_end(splitter_scene):
    calls = []

    def progress(done, total):
        calls.append((done, total))

    splitter_scene.trace_within(60.0, progress=progress)
    tracer = Tracer(splitter_scene, progress=progress)
    splitter_scene.move("lens", 60.0, 0.0)
    tracer.update(progress=progress)
    tracer.update(progress=progress)
    assert calls == [(3, 3), (3, 3), (3, 3), (0, 0)]
    # No time, of three rays.
    splitter_scene.trace_within(0.0, progress=progress)
    assert calls[4:] == [(0, 3)]


def test_progress_is_none_a_bool_or_a_function(splitter_scene):
    tracer = Tracer(splitter_scene)
    for work in (
        lambda: splitter_scene.trace(progress=3),
        lambda: splitter_scene.trace_within(1.0, progress=3),
        lambda: Tracer(splitter_scene, progress=3),
        lambda: tracer.update(progress=3),
    ):
        with pytest.raises(OptionError, match="progress"):
            work()


def test_progress_may_be_a_bar(splitter_scene, capsys):
    splitter_scene.trace(progress=True)
    shown = capsys.readouterr().err
    assert "100% |" in shown
    assert "3/3 rays" in shown
    assert shown.endswith("\n")
    splitter_scene.trace(progress=False)
    assert capsys.readouterr().err == ""


def test_a_bar_can_wait_before_it_is_shown(capsys):
    bar = _progress.ProgressBar(delay_s=60.0)
    bar(1, 2)
    bar(2, 2)
    assert capsys.readouterr().err == ""
    bar = _progress.ProgressBar()
    bar(0, 0)
    bar(1, 4)
    bar.close()
    lines = capsys.readouterr().err.split("\n")
    assert "100%" in lines[0]
    assert " 25% |████████" in lines[1]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_a_long_trace(long_scene, tmp_path, threads):
    path = tmp_path / "long.json"
    long_scene.save(path)
    program = (
        "import sys, optiverse_engine\n"
        "scene = optiverse_engine.Scene.load(sys.argv[1])\n"
        "print('begun', flush=True)\n"
        f"scene.trace(max_vertices={MANY}, threads={threads})\n"
    )
    arguments = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - start < 2.0
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_the_command_quietly(long_scene, tmp_path):
    kept, path = tmp_path / "kept.json", tmp_path / "long.json"
    long_scene.save(kept)
    os.mkfifo(path)
    arguments = [sys.executable, "-m", "optiverse_engine", "trace", str(path), "--max-vertices", str(MANY)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # Waits until the command reads, however long it takes to start.
        path.write_bytes(kept.read_bytes())
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert (output, errors) == ("", "")


def test_a_trace_in_another_thread_than_the_main_one():
    scene = Scene()
    scene.add(source())
    results = []
    thread = threading.Thread(target=lambda: results.append(scene.trace()))
    thread.start()
    thread.join()
    assert len(results[0]) == 9
