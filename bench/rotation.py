"""Asks one tenant after the other over real HTTP. Runs as a process of its own; prints its latencies as JSON.

python -m bench.rotation PORT CONNECTIONS ROUNDS PATH HOST...
"""

import http.client
import json
import sys
import threading
import time


def main() -> None:
    port, connections, rounds, path, hosts = (
        int(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        sys.argv[4],
        sys.argv[5:],
    )
    latencies: list[list[float]] = [[] for _ in range(rounds)]
    failures: list[str] = []

    def ask(offset: int, turn: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for host in hosts[offset::connections]:
            started = time.perf_counter()
            connection.request("GET", path, headers={"Host": host, "Accept": "application/json"})
            response = connection.getresponse()
            response.read()
            latencies[turn].append((time.perf_counter() - started) * 1000)
            if response.status != 200:
                failures.append(f"{host}{path}: {response.status}")
        connection.close()

    began = time.perf_counter()
    for turn in range(rounds):
        threads = [threading.Thread(target=ask, args=(offset, turn)) for offset in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    elapsed = time.perf_counter() - began
    print(
        json.dumps(
            {"ms": latencies, "failures": failures, "seconds": elapsed, "cpu_share": time.process_time() / elapsed}
        )
    )


if __name__ == "__main__":
    main()
