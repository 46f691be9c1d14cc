"""The page to try it: real servers, real uploads, hostile ones too, and one whole way in a browser."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import av
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import browsing
from playwright.sync_api import Page, expect

from pstmo.samples import VIDEO
from pstmo.serve.app import create
from pstmo.serve.jobs import Jobs, Limits

ELSEWHERE = ["../../etc/passwd", "..", "%2e%2e", "upload.mp4", "/etc/passwd"]
STAND_IN = """
import json, pathlib, sys, time
source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])
content = source.read_bytes()
print(json.dumps({"doing": "looking for people", "done": 1, "of": 2}), file=sys.stderr, flush=True)
if content.startswith(b"wait"):
    time.sleep(float(content[4:]))
if content.startswith(b"numbers"):
    print(5, "x" * 200_000, "null", "[1]", "[" * 50_000, sep="\\n", file=sys.stderr)
if content.startswith(b"nothing"):
    sys.exit(0)
if content.startswith(b"choice"):
    sys.exit(f"pstmo: error: {source}: found x, expected one of:\\n  a\\n  b")
if content.startswith(b"bad"):
    sys.exit(f"pstmo: error: {source}: found nothing")
if content.startswith(b"die"):
    import os; os.kill(os.getpid(), 11)
out.mkdir()
(out / "motion-1.npz").write_bytes(content[::-1])
(out / "view.html").write_text("<p>motion</p>")
print(f"{out / 'motion-1.npz'}: 1 frame", *sys.argv[4:])
"""
"""What lifts, here: the bytes backwards, after as many seconds as "wait 3" says."""


class Server:
    """A server in this process, and its folder."""

    def __init__(self, folder: Path, limits: Limits, token: str | None):
        (folder / "stand_in.py").write_text(STAND_IN)
        self.folder = folder / "jobs"
        self.folder.mkdir()
        self.jobs = Jobs(self.folder, limits, [sys.executable, str(folder / "stand_in.py")])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(create(self.jobs, token), log_level="critical"))
        self.thread = threading.Thread(target=self.server.run, args=[[self.socket]])
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()
        self.jobs.close()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, content: bytes, ending: str = ".mp4", more: str = "") -> str:
        code, answer = self.ask("POST", f"/jobs?ending={ending}{more}", content)
        assert code == 201, answer
        return json.loads(answer)["number"]

    def look(self, number: str) -> dict[str, Any]:
        code, answer = self.ask("GET", f"/jobs/{number}")
        return json.loads(answer) | {"code": code}

    def ended(self, number: str) -> dict[str, Any]:
        until = time.monotonic() + 30
        while (found := self.look(number))["state"] not in ("done", "failed"):
            assert time.monotonic() < until, found
            time.sleep(0.03)
        return found


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.03)


@contextmanager
def serving(folder: Path, token: str | None = None, **limits: Any) -> Iterator[Server]:
    server = Server(folder, Limits(**limits), token)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve"), largest=1) as found:
        yield found


def test_a_file_in_is_files_out_and_the_upload_is_gone(server: Server):
    number = server.send(b"hello", ".mp4", "&height=1.8&fps=30")
    found = server.ended(number)
    assert (found["state"], found["files"]) == ("done", {"motion-1.npz": 5, "view.html": 13})
    assert found["told"] == [
        "motion-1.npz: 1 frame --all -f bvh,glb,trc,csv --embed-video --height 1.8"
    ]  # fps is for keypoints
    assert server.ask("GET", f"/jobs/{number}/motion-1.npz") == (200, b"olleh")
    assert [path.name for path in (server.folder / number).iterdir()] == ["out"]
    assert server.ask("DELETE", f"/jobs/{number}")[0] == 204
    assert not (server.folder / number).exists()
    assert server.look(number)["code"] == 404


def test_what_is_known_of_keypoints_is_passed_on(server: Server):
    found = server.ended(server.send(b"[]", ".json", "&fps=25&width=640&tall=480"))
    assert found["told"] == ["motion-1.npz: 1 frame --all -f bvh,glb,trc,csv --fps 25.0 --image-size 640 480"]


def test_errors_are_told_without_telling_of_the_machine(server: Server):
    bad = server.ended(server.send(b"bad"))
    assert (bad["state"], bad["told"], bad["files"]) == ("failed", ["sent.mp4: found nothing"], {})
    died = server.ended(server.send(b"die"))
    assert (died["state"], died["told"]) == ("failed", ["it ended without a word (exit code -11)"])
    choice = server.ended(server.send(b"choice"))
    assert choice["told"] == ["sent.mp4: found x, expected one of:", "a", "b"]
    assert not list(server.folder.glob("*/sent*"))


def test_whatever_a_job_says_it_is_heard_to_its_end(server: Server):
    assert server.ended(server.send(b"numbers"))["state"] == "done"
    assert server.ended(server.send(b"nothing"))["files"] == {}


def test_without_room_for_a_process_a_job_fails_and_the_next_is_done(server: Server, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as full:
        full.setattr("pstmo.serve.jobs.subprocess.Popen", lambda *_, **__: (_ for _ in ()).throw(OSError("no room")))
        assert server.ended(server.send(b"hello"))["told"] == ["found no room for another process on this machine"]
    assert server.ended(server.send(b"hello"))["state"] == "done"


@pytest.mark.parametrize(
    ("path", "body", "code", "reason"),
    [
        ("/jobs?ending=.exe", b"x", 415, "found a file that ends in '.exe'"),
        ("/jobs?ending=.mp4/../../etc", b"x", 415, "found a file that ends in"),
        ("/jobs?ending=.mp4%00", b"x", 415, "found a file that ends in"),
        ("/jobs?ending=.mp4", b"", 400, "found an empty file"),
        ("/jobs?ending=.mp4", bytes(2**20 + 1), 413, "found more than 1 MB"),
        ("/jobs?ending=.mp4&height=17", b"x", 422, "height"),
        ("/jobs", b"x", 422, "ending"),
        ("/", b"x", 405, "Method Not Allowed"),
    ],
)
def test_what_is_not_wanted_is_refused_and_leaves_nothing(server: Server, path: str, body: bytes, code: int, reason):
    before = set(server.folder.iterdir())
    found, answer = server.ask("POST", path, body)
    assert found == code
    assert reason in json.loads(answer)["error"]
    assert set(server.folder.iterdir()) == before


def test_a_size_that_was_not_told_is_counted(server: Server):
    before = set(server.folder.iterdir())
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/jobs?ending=.mp4", iter([bytes(2**18)] * 5), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert set(server.folder.iterdir()) == before


def test_an_upload_that_breaks_off_leaves_nothing(server: Server):
    before = set(server.folder.iterdir())
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        head = f"POST /jobs?ending=.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 1000\r\n\r\n"
        client.sendall(head.encode() + bytes(500))
        wait_for(lambda: len(list(server.folder.iterdir())) == len(before) + 1)
    wait_for(lambda: set(server.folder.iterdir()) == before)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=30), st.sampled_from(ELSEWHERE)))
def test_no_name_leads_out_of_the_results(server: Server, name: str):
    number = next((path.name for path in server.folder.iterdir()), None) or server.send(b"hello")
    quoted = quote(name, safe="")
    for asked in (f"/jobs/{number}/{quoted}", f"/jobs/{quoted}", f"/{quoted}", f"/{quote(name)}"):
        code, answer = server.ask("GET", asked)
        assert code in (400, 404, 405, 307) or (code == 200 and (b"<!doctype html>" in answer or b"state" in answer))
        assert b"root:" not in answer


def test_pages_of_others_do_not_come_in(server: Server):
    own = f"http://127.0.0.1:{server.port}"
    assert server.ask("GET", "/", Origin=own)[0] == 200
    assert server.ask("GET", "/", Origin="https://evil.example")[0] == 403
    assert server.ask("POST", "/jobs?ending=.mp4", b"x", Origin="null")[0] == 403
    assert server.ask("GET", "/", Host="evil.example")[0] == 403
    assert server.ask("GET", "/", Origin="http://[")[0] == 403
    assert server.ask("GET", "/", Host="[")[0] == 403
    assert server.ask("GET", "/", Host="localhost:1234")[0] == 200
    assert server.ask("GET", "/", Host="[::1]:1234")[0] == 200


def test_beyond_this_machine_there_is_a_token(tmp_path: Path):
    with serving(tmp_path, token="secret") as server:
        assert server.ask("GET", "/")[0] == 401
        assert server.ask("POST", "/jobs?ending=.mp4", b"x")[0] == 401
        assert server.ask("GET", "/?token=Secret")[0] == 401
        assert server.ask("GET", "/?token=secret", Host="studio.example")[0] == 200
        assert server.ask("GET", "/", Cookie="pstmo_token=secret")[0] == 200
        assert server.ask("GET", "/?token=secret", Cookie="pstmo_token=of-yesterday")[0] == 200
        assert server.ask("GET", "/?token=of-yesterday")[0] == 401
        assert server.ask("GET", "/", Cookie="pstmo_token=", Origin="https://evil.example")[0] == 403


def test_fifty_at_once_are_done_in_turn_or_refused(tmp_path: Path):
    with serving(tmp_path, queue=5) as server:
        with ThreadPoolExecutor(50) as people:
            answers = list(people.map(lambda _: server.ask("POST", "/jobs?ending=.mp4", b"wait 0.2"), range(50)))
        codes = [code for code, _ in answers]
        assert set(codes) == {201, 503}
        assert codes.count(201) >= 5
        numbers = [json.loads(answer)["number"] for code, answer in answers if code == 201]
        places = [server.look(number)["before"] for number in numbers]
        assert len(set(places)) > 2 or codes.count(201) > 5
        assert {server.ended(number)["state"] for number in numbers} == {"done"}
        assert server.ended(server.send(b"hello"))["state"] == "done"
    assert list(tmp_path.joinpath("jobs").iterdir()) == []


def test_one_runs_at_a_time_and_what_runs_can_be_stopped(tmp_path: Path):
    with serving(tmp_path) as server:
        first, second = server.send(b"wait 60"), server.send(b"hello")
        wait_for(lambda: bool(server.look(first)["progress"]))
        assert server.look(first)["progress"] == {"doing": "looking for people", "done": 1, "of": 2}
        assert (server.look(second)["state"], server.look(second)["before"]) == ("waiting", 1)
        process = server.jobs.get(first).process
        server.ask("DELETE", f"/jobs/{first}")
        assert server.ended(second)["state"] == "done"
        assert process.poll() is not None


def test_a_job_has_its_time(tmp_path: Path):
    with serving(tmp_path, minutes=1 / 60) as server:
        late = server.send(b"wait 60")
        assert server.ended(late)["told"] == ["stopped after 0.0166667 minutes"]


def test_results_go_in_time_though_others_are_at_work(tmp_path: Path):
    with serving(tmp_path, keep=0.5 / 60) as server:
        number, other = server.send(b"hello"), server.send(b"wait 60")
        wait_for(lambda: server.look(number)["code"] == 404)
        assert server.look(other)["state"] == "running"
        assert [path.name for path in server.folder.iterdir()] == [other]


def test_asked_to_end_it_leaves_nothing_though_somebody_sends(tmp_path: Path):
    with command(tmp_path) as (process, address):
        port = urlsplit(address).port
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = f"POST /jobs?ending=.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 1000\r\n\r\n"
            client.sendall(head.encode() + bytes(500))
            wait_for(lambda: len(list(tmp_path.glob("pstmo-*/*"))) == 1)
            process.terminate()
            assert process.wait(20) == 0
    assert list(tmp_path.glob("pstmo-*")) == []


@contextmanager
def command(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`pstmo serve` itself, and its address."""
    pipe, environment = subprocess.PIPE, os.environ | {"TMPDIR": str(temporary)}
    words = [sys.executable, "-m", "pstmo", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        try:
            assert process.stdout
            address = re.match(r"http://\S+", process.stdout.readline())
            assert address
            yield process, address[0]
        finally:
            process.kill()


def test_the_whole_way_in_a_browser(tmp_path: Path):
    """Of the command itself: a real video dropped on its page, the motion in the page, its files on the disk; then
    nothing is left."""
    (tmp_path / "temporary").mkdir()
    with browsing() as browser, command(tmp_path / "temporary") as (process, address):
        page = browser.new_page()
        page.goto(address)
        tried(page, first_second(tmp_path / "short.mkv"))
        page.close()
        process.send_signal(2)
        assert process.wait(20) == 0
    assert list((tmp_path / "temporary").glob("pstmo-*")) == []


def tried(page: Page, video: Path) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.set_input_files("#file", video)
    expect(page.locator("#state")).to_have_text("done", timeout=60_000)
    expect(page.frame_locator("#view").locator("#figure")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="motion-1.npz").click()
    assert download.value.path().read_bytes()[:2] == b"PK"
    page.set_input_files("#file", {"name": "broken.mp4", "mimeType": "video/mp4", "buffer": b"no video"})
    expect(page.locator("#state")).to_contain_text("found nothing that FFmpeg can read", timeout=60_000)
    assert problems == []


def first_second(path: Path) -> Path:
    with av.open(str(VIDEO)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in [packet for packet in source.demux(video=0) if packet.dts is not None][:30]:
            packet.stream = stream
            target.mux(packet)
    return path
