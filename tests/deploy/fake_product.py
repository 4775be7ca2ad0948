"""A launcher with the real servers and stand-ins for web, worker and beat; started by the tests as a process.

Usage: fake_product.py [STUBBORN_BEAT | BROKEN_WORKER | BROKEN_PREPARE]
"""

import sys

from platform_config.launcher import product
from platform_config.launcher.supervisor import Command, Part

# Like gunicorn: a parent and a child that both hold the port. It stops when asked.
WEB = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *arguments): pass
signal.signal(signal.SIGTERM, lambda *arguments: os._exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
os.fork()
server.serve_forever()
"""
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)"
IDLE = "import time; time.sleep(600)"
BROKEN = "import sys; sys.exit('no such queue')"
PREPARE = "import psycopg2, os; psycopg2.connect(os.environ['DATABASE_URL']); print('  prepared')"


def main(variant: str) -> int:
    codes = {"web": WEB, "worker": BROKEN if variant == "BROKEN_WORKER" else IDLE, "beat": IDLE}
    if variant == "STUBBORN_BEAT":
        codes["beat"] = STUBBORN

    def parts(home, environment, host, port, workers):
        return [
            Part(
                name,
                Command([sys.executable, "-c", code], home.logs / f"{name}.log", environment),
                home.logs / f"{name}.log",
            )
            for name, code in codes.items()
        ]

    product.product_parts = parts
    product.fakes.wanted = lambda settings, development: False
    product.PREPARE = [sys.executable, "-c", BROKEN if variant == "BROKEN_PREPARE" else PREPARE]
    return product.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
