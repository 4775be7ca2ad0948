"""Buyers over HTTP: several processes of their own, raw HTTP/1.1 on kept connections, little work for each answer.

python -m bench.buyers PROCESSES PORT CLIENTS SECONDS ORDERS HOST TYPE...

Each client orders one ticket after the other, the types in turn, as a guest with an address and an idempotency key
that nobody had before; until SECONDS are over, or until all together have tried ORDERS times (0: no end). A client
whose connection is closed under it asks again with the same key. Prints one line of JSON: answers by status, their
latencies in milliseconds, the time it took, and the share of one CPU that the processes took together.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.figures import percentile
from bench.load import length_of

# All processes begin together, so long after the first is started.
SETTLE_SECONDS = 0.5
MOST_REPEATS = 3


@dataclass
class Crowd:
    """The clients of one process, and what they saw."""

    port: int
    host: str
    types: list[int]
    clients: list[int]
    begins: float
    seconds: float
    orders: int | None
    statuses: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    repeats: int = 0
    odd: str = ""

    def run(self) -> dict[str, Any]:
        time.sleep(max(0.0, self.begins - time.time()))
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(self._all(began + self.seconds))
        return {
            "statuses": self.statuses,
            "latencies": self.latencies,
            "repeats": self.repeats,
            "odd": self.odd,
            "ended": time.time(),
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
        }

    async def _all(self, ends: float) -> None:
        run = os.urandom(6).hex()
        await asyncio.gather(*(self._client(client, f"{run}-{client}", ends) for client in self.clients))

    async def _client(self, client: int, name: str, ends: float) -> None:
        streams = await asyncio.open_connection("127.0.0.1", self.port)
        turn = 0
        while time.perf_counter() < ends and self._may_go_on():
            # Each client begins with another type, so that they do not walk through them in step.
            kind = self.types[(client * 7 + turn) % len(self.types)]
            turn += 1
            request = self._request(f"{name}-{turn}", kind)
            sent = time.perf_counter()
            for repeat in range(MOST_REPEATS + 1):
                try:
                    keeps = await self._ask(streams, request, sent)
                except (asyncio.IncompleteReadError, ConnectionError):
                    if repeat == MOST_REPEATS:
                        raise
                    self.repeats += 1
                    keeps = None
                if not keeps:
                    streams[1].close()
                    streams = await asyncio.open_connection("127.0.0.1", self.port)
                if keeps is not None:
                    break
        streams[1].close()

    def _may_go_on(self) -> bool:
        if self.orders is None:
            return True
        self.orders -= 1
        return self.orders >= 0

    def _request(self, name: str, kind: int) -> bytes:
        body = f'{{"email":"{name}@example.test","lines":[{{"ticket_type":{kind},"quantity":1}}]}}'
        return (
            f"POST /api/v1/orders/ HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {name}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def _ask(
        self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes, sent: float
    ) -> bool:
        """Send it and read the answer; tells whether the connection stays."""
        reader, writer = streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = length_of(head)
        # JSON holds no line break of its own, so this ends the last chunk and nothing else.
        answer = await (reader.readuntil(b"0\r\n\r\n") if length is None else reader.readexactly(length))
        self.latencies.append(time.perf_counter() - sent)
        status = head[9:12].decode()
        self.statuses[status] += 1
        if status not in ("201", "409") and not self.odd:
            self.odd = answer.decode(errors="replace")[:300]
        return b"connection: close" not in head.lower()


def main() -> None:
    processes, port, clients = (int(each) for each in sys.argv[1:4])
    seconds, orders, host = float(sys.argv[4]), int(sys.argv[5]), sys.argv[6]
    types = [int(each) for each in sys.argv[7:]]
    begins = time.time() + SETTLE_SECONDS
    crowds = [
        Crowd(
            port=port,
            host=host,
            types=types,
            clients=list(range(number, clients, processes)),
            begins=begins,
            seconds=seconds,
            orders=len(range(number, orders, processes)) if orders else None,
        )
        for number in range(processes)
    ]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        parts = pool.map(Crowd.run, crowds, chunksize=1)
    print(json.dumps(together(parts, begins)))


def together(parts: list[dict[str, Any]], begins: float) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    for part in parts:
        statuses.update(part["statuses"])
    latencies = [each for part in parts for each in part["latencies"]]
    seconds = max(part["ended"] for part in parts) - begins
    return {
        "answers": sum(statuses.values()),
        "placed": statuses["201"],
        "statuses": dict(statuses),
        "repeats": sum(part["repeats"] for part in parts),
        "odd": next((part["odd"] for part in parts if part["odd"]), ""),
        "seconds": seconds,
        "p50_ms": percentile(latencies, 50) * 1000,
        "p95_ms": percentile(latencies, 95) * 1000,
        "cpu_share": sum(part["cpu"] for part in parts) / seconds,
    }


if __name__ == "__main__":
    main()
