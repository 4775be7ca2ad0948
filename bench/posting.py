"""Many POSTs at once: raw HTTP/1.1 on kept connections, each answer kept with its request's place."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What came back; status 0 is a connection that broke."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The refusal's code, "" for what was done."""
        return "" if 200 <= self.status < 300 else str(self.json.get("code", "")) if self.status else "broken"


@dataclass(frozen=True, slots=True)
class Post:
    """One request. The same key again asks for the same effect."""

    host: str
    path: str
    body: Any
    key: str
    bearer: str = ""
    token: str = ""

    def as_bytes(self) -> bytes:
        content = json.dumps(self.body).encode()
        scheme, proof = ("Token", self.token) if self.token else ("Bearer", self.bearer)
        signed_in = f"Authorization: {scheme} {proof}\r\n" if proof else ""
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {self.key}\r\n{signed_in}"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode() + content


def post_all(port: int, posts: Sequence[Post], connections: int) -> tuple[list[Answer], float]:
    """Send all, so many at a time, in their order; returns the answers in that order, and the seconds it took."""
    began = time.perf_counter()
    answers = asyncio.run(_post_all(port, [post.as_bytes() for post in posts], connections))
    return answers, time.perf_counter() - began


async def _post_all(port: int, requests: list[bytes], connections: int) -> list[Answer]:
    answers: list[Answer] = [Answer(0, b"")] * len(requests)
    turn = iter(range(len(requests)))

    async def ask() -> None:
        reader = writer = None
        for number in turn:  # shared by all: each number is taken once
            try:
                if writer is None or reader is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
                writer.write(requests[number])
                answers[number], goes_on = await _read(reader)
            except (OSError, asyncio.IncompleteReadError):
                goes_on = False
            if not goes_on and writer is not None:
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return answers


async def _read(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"content-length" in fields:
        body = await reader.readexactly(int(fields[b"content-length"]))
    else:
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    return Answer(int(head[9:12]), body), fields.get(b"connection") != b"close"
