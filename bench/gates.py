"""Gates over HTTP: several processes of their own, raw HTTP/1.1 on kept connections, little work for each answer.

python -m bench.gates PROCESSES PORT CLIENTS SECONDS HOST LIST KEY CODES FIRST COUNT

Each client scans one ticket after the other at the list, each code once, as a program with an API key, until SECONDS
are over. The codes are the lines FIRST to FIRST + COUNT of the file CODES. Prints one line of JSON, as bench.buyers.
"""

import json
import multiprocessing
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.buyers import SETTLE_SECONDS, Crowd, together


@dataclass
class Gates(Crowd):
    """The gates of one process. `types` are the places of its codes."""

    entrance: int = 0
    key: str = ""
    codes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.left = list(range(len(self.codes)))

    def _may_go_on(self) -> bool:
        return bool(self.left)

    def _request(self, name: str, kind: int) -> bytes:
        body = f'{{"code":"{self.codes[self.left.pop()]}","scan_id":"{name}"}}'
        return (
            f"POST /api/v1/check-in-lists/{self.entrance}/scan/ HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Authorization: Token {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def main() -> None:
    processes, port, clients = (int(each) for each in sys.argv[1:4])
    seconds, host, entrance, key = float(sys.argv[4]), sys.argv[5], int(sys.argv[6]), sys.argv[7]
    first, count = int(sys.argv[9]), int(sys.argv[10])
    with Path(sys.argv[8]).open() as lines:
        codes = [line.strip() for line in islice(lines, first, first + count)]
    begins = time.time() + SETTLE_SECONDS
    crowds = [
        Gates(
            port=port,
            host=host,
            types=[0],
            clients=list(range(number, clients, processes)),
            begins=begins,
            seconds=seconds,
            orders=None,
            entrance=entrance,
            key=key,
            codes=tuple(codes[number::processes]),
        )
        for number in range(processes)
    ]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        parts = pool.map(Gates.run, crowds, chunksize=1)
    print(json.dumps(together(parts, begins)))


if __name__ == "__main__":
    main()
