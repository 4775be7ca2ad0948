"""What every fake has: a server, a memory that outlives it, idempotency, webhooks that can misbehave, a ledger."""

import http.client
import json
import secrets
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass
class Knobs:
    """How the provider misbehaves. All off by default; set by `POST /_knobs` with any of these names."""

    delay_s: float = 0.0  # before each answer
    webhook_delay_s: float = 0.0
    drop_webhooks: bool = False
    repeat_webhooks: int = 1  # how often each is sent
    reorder_webhooks: bool = False  # kept back and sent in reverse by `POST /_flush`
    wrong_amount_minor: int = 0  # added to what a webhook and an answer say was captured
    wrong_currency: str = ""
    error_before: int = 0  # so many next money-moving calls fail with 500 before they do anything
    error_after: int = 0  # so many do what they should, and then answer 500
    refunds_stay_pending: bool = False
    bad_signature: bool = False
    webhook_tries: int = 3  # how often an unanswered one is sent; real providers go on for days


@dataclass
class Request:
    """One call: method, path, query, headers with small names, raw body and its fields if it is a form."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def html_answer(body: str, status: int = 200) -> Answer:
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Pay (fake provider)</title><style>body{font:1rem/1.5 system-ui;max-width:26rem;margin:2rem auto;"
        "padding:0 1rem}input,button{font:inherit;padding:.6rem;width:100%;box-sizing:border-box;margin:.25rem 0}"
        "button{background:#1d4ed8;color:#fff;border:0;border-radius:.4rem}label{display:block;margin-top:.6rem}"
        ".alert{border-left:4px solid #b91c1c;padding:.4rem .8rem;background:#fef2f2}</style>"
        f"<main>{body}</main></html>"
    )
    return Answer(status, page.encode(), "text/html; charset=utf-8")


def redirect(address: str) -> Answer:
    return Answer(303, b"", headers={"Location": address})


class Books:
    """The provider's own memory: objects by id, answers by idempotency key, and every movement of money.

    In a file it outlives a kill -9 of the provider: each write is committed before it is answered.
    """

    def __init__(self, path: Path | None = None):
        self.lock = threading.RLock()
        self.db = sqlite3.connect(str(path) if path else ":memory:", check_same_thread=False, isolation_level=None)
        for statement in (
            "CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, kind TEXT, account TEXT, at REAL, body TEXT)",
            "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, request TEXT, status INT, type TEXT, body BLOB)",
            "CREATE TABLE IF NOT EXISTS movement (id TEXT, kind TEXT, account TEXT, amount INT, currency TEXT, at REAL,"
            " of TEXT, fee INT, UNIQUE (id, kind))",
        ):
            self.db.execute(statement)

    def put(self, kind: str, account: str, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.db.execute(
                "INSERT INTO object VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (body["id"], kind, account, time.time(), json.dumps(body)),
            )
        return body

    def get(self, identity: str, kind: str, account: str | None = None) -> dict[str, Any] | None:
        with self.lock:
            row = self.db.execute(
                "SELECT body, account FROM object WHERE id = ? AND kind = ?", (identity, kind)
            ).fetchone()
        return None if row is None or (account is not None and row[1] != account) else json.loads(row[0])

    def account_of(self, identity: str) -> str:
        with self.lock:
            return str(self.db.execute("SELECT account FROM object WHERE id = ?", (identity,)).fetchone()[0])

    def all(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        with self.lock:
            rows = self.db.execute(
                "SELECT body FROM object WHERE kind = ? AND (? IS NULL OR account = ?) ORDER BY at, rowid",
                (kind, account, account),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def move(
        self, kind: str, account: str, identity: str, amount: int, currency: str, of: str = "", fee: int = 0
    ) -> None:
        """Write a movement down: money in positive, money out negative."""
        with self.lock:
            self.db.execute(
                "INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (identity, kind, account, amount, currency.upper(), time.time(), of, fee),
            )

    def movements(self, account: str | None = None) -> list[dict[str, Any]]:
        names = ("id", "kind", "account", "amount", "currency", "at", "of", "fee")
        with self.lock:
            rows = self.db.execute(
                f"SELECT {', '.join(names)} FROM movement WHERE ? IS NULL OR account = ? ORDER BY at, rowid",
                (account, account),
            ).fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]


class Fake:
    """One provider. Subclasses answer in `handle` and sign in `signed`."""

    name = ""

    def __init__(self, port: int = 0, books: Path | None = None):
        self.books = Books(books)
        self.knobs = Knobs()
        self.calls: list[tuple[str, str]] = []
        self.kept_back: list[Callable[[], None]] = []
        self.threads: list[threading.Thread] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                answer = fake.serve(request)
                self.send_response(answer.status)
                for name, value in {"Content-Type": answer.type, **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = do_PATCH = answer

            def log_message(self, *args: Any) -> None:
                """Quiet: calls are listed at `/_calls`."""

        self.server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server.server_address[1]}"

    def start(self) -> "Fake":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *unused: Any) -> None:
        self.stop()

    # --- Answering ---------------------------------------------------------------------------------------------------

    def serve(self, request: Request) -> Answer:
        if request.path.startswith("/_"):
            return self._behind_the_scenes(request)
        if request.path == "/favicon.ico":
            return Answer(204)
        self.calls.append((request.method, request.path))
        if self.knobs.delay_s:
            time.sleep(self.knobs.delay_s)
        return self.handle(request)

    def handle(self, request: Request) -> Answer:
        raise NotImplementedError

    def _behind_the_scenes(self, request: Request) -> Answer:
        if request.path == "/_knobs" and request.method == "POST":
            for name, value in request.json.items():
                setattr(self.knobs, name, type(getattr(self.knobs, name))(value))
        elif request.path == "/_flush":
            self.flush()
        elif request.path == "/_ledger":
            return json_answer(self.books.movements())
        elif request.path == "/_calls":
            return json_answer(self.calls)
        return json_answer(vars(self.knobs))

    def failing(self, which: str) -> bool:
        """True if the next money-moving call is to fail; counts it."""
        with self.books.lock:
            left = getattr(self.knobs, which)
            if left <= 0:
                return False
            setattr(self.knobs, which, left - 1)
            return True

    def once(self, key: str, request: Request, act: Callable[[], Answer], *, conflict: Callable[[], Answer]) -> Answer:
        """Answer a repeated key with the first answer; another body under the same key is a conflict.

        Failures before the effect are not remembered; those after it are not either, but the effect's answer is.
        """
        if self.failing("error_before"):
            return json_answer({"error": {"type": "api_error", "message": "before the effect"}}, 500)
        said = json.dumps([request.method, request.path, request.body.decode()])
        with self.books.lock:
            row = self.books.db.execute(
                "SELECT request, status, type, body FROM answer WHERE key = ?", (key,)
            ).fetchone()
            if key and row:
                if row[0] != said:
                    return conflict()
                return Answer(row[1], row[3], row[2], {"Idempotent-Replayed": "true"})
            answer = act()
            if key and answer.status < 500:
                self.books.db.execute(
                    "INSERT INTO answer VALUES (?, ?, ?, ?, ?)", (key, said, answer.status, answer.type, answer.body)
                )
        if self.failing("error_after"):
            return json_answer({"error": {"type": "api_error", "message": "after the effect"}}, 500)
        return answer

    # --- Telling -----------------------------------------------------------------------------------------------------

    def tell(self, address: str, make: Callable[[], tuple[bytes, dict[str, str]]]) -> None:
        """Send a webhook as the knobs say, each repetition signed anew, as providers do."""
        if self.knobs.drop_webhooks:
            return

        def send() -> None:
            time.sleep(self.knobs.webhook_delay_s)
            for _ in range(self.knobs.repeat_webhooks):
                body, headers = make()
                self._post(address, body, headers)

        if self.knobs.reorder_webhooks:
            self.kept_back.append(send)
            return
        thread = threading.Thread(target=send, daemon=True)
        self.threads.append(thread)
        thread.start()

    def flush(self) -> None:
        """Send what was kept back, the last one first."""
        while self.kept_back:
            self.kept_back.pop()()

    def settled(self, seconds: float = 10) -> None:
        """Wait until every webhook that is under way has been answered."""
        for thread in list(self.threads):
            thread.join(seconds)
        self.threads.clear()

    def _post(self, address: str, body: bytes, headers: dict[str, str]) -> None:
        parts = urlsplit(address)
        for pause in [min(0.2 * 4**number, 3.0) for number in range(self.knobs.webhook_tries)]:
            call = urllib.request.Request(
                parts._replace(netloc=f"{LOOPBACK}:{parts.port}" if parts.port else parts.netloc).geturl(),
                data=body,
                headers={"Host": parts.netloc, **headers},
                method="POST",
            )
            try:
                with urllib.request.urlopen(call, timeout=10) as answer:
                    if answer.status < 300:
                        return
            except (urllib.error.URLError, OSError, http.client.HTTPException):
                pass
            time.sleep(pause)


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"
