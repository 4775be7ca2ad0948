"""A load generator of its own process: raw HTTP/1.1 on kept connections, with little work for each answer.

python -m bench.load PORT CONNECTIONS SECONDS HOST ETAG PATH...

Asks for the paths in turn for so many seconds and prints one line of JSON: answers, answers by status, bytes, the
latencies' percentiles in milliseconds, and the share of one CPU that the process took.
"""

import asyncio
import json
import sys
import time
from collections import Counter

from bench.figures import percentile


async def run(port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    received = 0
    ends = time.perf_counter() + seconds

    async def ask(offset: int) -> None:
        nonlocal received
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
        turn = offset
        while time.perf_counter() < ends:
            began = time.perf_counter()
            writer.write(requests[turn % len(requests)])
            turn += 1
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = length_of(head)
            if length is None:
                # JSON holds no line break of its own, so this ends the last chunk and nothing else.
                length = len(await reader.readuntil(b"0\r\n\r\n"))
            elif length:
                await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            statuses[status] += 1
            received += len(head) + length
            if b"onnection: close" in head:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
        writer.close()

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask(offset) for offset in range(connections)))
    elapsed = time.perf_counter() - began
    return {
        "answers": sum(statuses.values()),
        "statuses": {str(status): count for status, count in statuses.items()},
        "seconds": elapsed,
        "bytes": received,
        "p50_ms": percentile(latencies, 50) * 1000,
        "p95_ms": percentile(latencies, 95) * 1000,
        "cpu_share": (time.process_time() - cpu) / elapsed,
    }


def length_of(head: bytes) -> int | None:
    """The length of the body; None if it comes in chunks. A 304 has none, whatever it says."""
    if head[9:12] == b"304":
        return 0
    found = head.lower().find(b"content-length:")
    if found < 0:
        return None
    start = found + 15
    return int(head[start : head.index(b"\r\n", start)])


def main() -> None:
    port, connections, seconds, host, etag = sys.argv[1:6]
    known = f"If-None-Match: {etag}\r\n" if etag else ""
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{known}\r\n".encode()
        for path in sys.argv[6:]
    ]
    print(json.dumps(asyncio.run(run(int(port), int(connections), float(seconds), requests))))


if __name__ == "__main__":
    main()
