"""A small mail server on this machine: with or without TLS, that takes, refuses, hangs up or says nothing."""

import datetime
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "mail.alpha.example"


def certificate(folder: Path, host: str = HOST) -> tuple[Path, Path]:
    """Return a certificate for that name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, private


class Postbox(socketserver.ThreadingTCPServer):
    """What came in, and how the server behaves: "takes", "plain" (offers no TLS), "refuses" a login, "silent"."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, cert: Path, key: Path, how: str):
        super().__init__(("127.0.0.1", 0), _Talk)
        self.how = how
        self.mails: list[bytes] = []
        self.logins: list[str] = []
        self.calls = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)


class _Talk(socketserver.BaseRequestHandler):
    server: Postbox

    def handle(self) -> None:
        self.server.calls += 1
        if self.server.how == "silent":
            threading.Event().wait(20)
            return
        self.file = self.request.makefile("rwb")
        secure = False
        self.say("220 ready")
        while line := self.file.readline().decode("latin-1").strip():
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = [] if secure or self.server.how == "plain" else ["STARTTLS"]
                words = ["box", *offers, *(["AUTH PLAIN LOGIN"] if secure else [])]
                for word in words[:-1]:
                    self.say(f"250-{word}")
                self.say(f"250 {words[-1]}")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.request: Any = self.server.context.wrap_socket(self.request, server_side=True)
                self.file = self.request.makefile("rwb")
                secure = True
            elif verb == "AUTH":
                self.server.logins.append(line)
                self.say("535 no" if self.server.how == "refuses" else "235 welcome")
            elif verb == "DATA":
                self.say("354 go on")
                content = b""
                while (part := self.file.readline()) != b".\r\n":
                    content += part
                self.server.mails.append(content)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")

    def say(self, text: str) -> None:
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()


@contextmanager
def postbox(folder: Path, monkeypatch: Any, how: str = "takes") -> Iterator[Postbox]:
    """Run one, and let HOST lead to it as if it were public; its certificate is believed."""
    cert, key = certificate(folder)
    server = Postbox(cert, key, how)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    place = ("127.0.0.1", server.server_address[1])

    def found(host: str, port: int, **unused: Any) -> list[Any]:
        assert host == HOST
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]

    monkeypatch.setattr("shared_apps.core.outgoing.public_addresses", found)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
