"""Calls to addresses that people gave us reach the public internet and nothing else, and have an end (B7)."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared_apps.core import outgoing
from shared_apps.core.outgoing import AddressRefused, NoAnswer, check_address, post, public_addresses

Handler = Callable[[socket.socket], None]


@pytest.fixture
def server(settings: Any) -> Iterator[Callable[[Handler], str]]:
    """Makes servers on this machine that do with a connection whatever a test wants; gives their address."""
    open_: list[socket.socket] = []

    def make(handle: Handler, scheme: str = "http") -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        open_.append(listener)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        settings.OUTGOING_OWN_SERVERS = [*settings.OUTGOING_OWN_SERVERS, host]

        def serve() -> None:
            while True:
                try:
                    made, _address = listener.accept()
                except OSError:
                    return
                open_.append(made)
                threading.Thread(target=quietly, args=(made,), daemon=True).start()

        def quietly(made: socket.socket) -> None:
            try:
                handle(made)
            except OSError:
                """The caller had enough."""

        threading.Thread(target=serve, daemon=True).start()
        return f"{scheme}://{host}/hook?a=1"

    yield make
    for each in open_:
        each.close()


def asked(made: socket.socket) -> bytes:
    """The whole request."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += made.recv(4096)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(
        next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    )
    while len(body) < length:
        body += made.recv(4096)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes) -> Handler:
    def handle(made: socket.socket) -> None:
        asked(made)
        made.sendall(answer)
        made.close()

    return handle


def test_the_body_arrives_with_its_headers_and_the_answer_comes_back(server):
    heard: list[bytes] = []

    def handle(made: socket.socket) -> None:
        heard.append(asked(made))
        made.sendall(b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nok")

    url = server(handle)
    answer = post(url, b'{"a": 1}', {"Content-Type": "application/json", "X-Event-Id": "5"})
    assert (answer.status, answer.body, answer.retry_after) == (202, b"ok", 7)
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=1 HTTP/1.1")
    assert f"Host: {url.split('/')[2]}".encode() in head
    assert b"X-Event-Id: 5" in head
    assert body == b'{"a": 1}'


def test_a_redirect_is_an_answer_and_is_not_followed(server):
    reached: list[bytes] = []
    inside = server(lambda made: reached.append(asked(made)))
    url = server(
        answering(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {inside}\r\nContent-Length: 0\r\n\r\n".encode())
    )
    assert post(url, b"{}", {}).status == 307
    assert reached == []


def dripping(start: bytes, piece: bytes = b"a", every: float = 0.05) -> Handler:
    def handle(made: socket.socket) -> None:
        asked(made)
        made.sendall(start)
        while True:
            made.sendall(piece)
            time.sleep(every)

    return handle


@pytest.mark.parametrize(
    ("handle", "why", "status"),
    [
        (lambda made: time.sleep(3), "timeout", None),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), "timeout", 200),
        (dripping(b"HTTP/1.1 200 OK\r\nX-A: "), "timeout", None),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X-B: c\r\n"), "timeout", None),
        (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout", None),
        (answering(b""), "bad_reply", None),
        (answering(b"hello\r\n\r\n"), "bad_reply", None),
        (answering(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 90_000), "bad_reply", None),
        (answering(b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 500 + b"\r\n"), "bad_reply", None),
    ],
    ids=["hangs", "drips its body", "drips a header", "drips headers", "says continue for ever", "closes", "no HTTP",
         "endless header", "many headers"],
)  # fmt: skip
def test_what_never_ends_or_is_no_answer_has_an_end(server, handle, why, status):
    started = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        post(server(handle), b"{}", {}, seconds=0.4)
    assert (caught.value.why, caught.value.status) == (why, status)
    assert time.monotonic() - started < 1.5


def test_of_gigabytes_64_kilobytes_are_read(server):
    sent = [0]

    def handle(made: socket.socket) -> None:
        asked(made)
        made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
        while True:
            sent[0] += made.send(b"a" * 65536)

    answer = post(server(handle), b"{}", {})
    assert (answer.status, len(answer.body)) == (200, 64 * 1024)
    assert sent[0] < 16 * 1024 * 1024  # what the kernel's buffers had taken when we left


def test_a_body_that_breaks_off_after_the_status_is_an_answer(server):
    for body in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    ):
        assert post(server(answering(body)), b"{}", {}).status == 200


def test_who_does_not_read_what_is_sent_costs_no_more_than_the_deadline(server):
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="timeout"):
        post(server(lambda made: time.sleep(3)), b"a" * 30_000_000, {}, seconds=0.4)
    assert time.monotonic() - started < 1.5


def test_a_port_where_nobody_listens_is_unreachable(settings):
    settings.OUTGOING_OWN_SERVERS = ["127.0.0.1:1"]
    with pytest.raises(NoAnswer, match="unreachable"):
        post("http://127.0.0.1:1/", b"{}", {})


def test_a_certificate_that_nobody_vouches_for_is_refused(server, tmp_path):
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def handle(made: socket.socket) -> None:
        try:
            asked(context.wrap_socket(made, server_side=True))
        except ssl.SSLError:
            """They would not."""

    with pytest.raises(NoAnswer, match="tls"):
        post(server(handle, "https"), b"{}", {}, seconds=2)


def test_a_certificate_that_is_vouched_for_is_good(server, tmp_path, monkeypatch):
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setattr(outgoing, "_tls", lambda: ssl.create_default_context(cafile=str(certificate)))

    def handle(made: socket.socket) -> None:
        secured = context.wrap_socket(made, server_side=True)
        asked(secured)
        secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        secured.close()

    assert post(server(handle, "https"), b"{}", {}, seconds=2).status == 204


def self_signed(folder: Any) -> tuple[Any, Any]:
    """A certificate for 127.0.0.1 by nobody, and its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key


NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(address, monkeypatch):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))
    inside = (family, socket.SOCK_STREAM, 6, "", (address, 443))
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, place: connected.append(place))
    for answer in ([inside], [public, inside], [inside, public]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, answer=answer, **options: answer)
        with pytest.raises(AddressRefused):
            public_addresses("hooks.example.org", 443)
        with pytest.raises(AddressRefused):
            post("https://hooks.example.org/", b"{}", {})
    assert connected == []


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_name_that_leads_to_the_internet_is_let_through(address, monkeypatch):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **options: [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    )
    assert public_addresses("hooks.example.org", 443)[0][4] == (address, 443)


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(monkeypatch):
    """DNS rebinding: the connection goes to the address that was judged, the name is asked once."""
    answers = iter([("93.184.215.14", 443), ("127.0.0.1", 443)])
    asked_for: list[Any] = []
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **options: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", next(answers))]
    )

    def connect(self: socket.socket, place: Any) -> None:
        asked_for.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(NoAnswer, match="unreachable"):
        post("https://hooks.example.org/", b"{}", {})
    assert asked_for == [("93.184.215.14", 443)]


def test_what_is_connected_to_is_looked_at_once_more(monkeypatch):
    """Whoever bends the way between us and a public address, nothing is said to a machine inside."""
    monkeypatch.setattr(
        socket, "getaddrinfo",
        lambda *args, **options: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))],
    )  # fmt: skip
    monkeypatch.setattr(socket.socket, "connect", lambda self, place: None)
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("10.0.0.7", 443))
    with pytest.raises(AddressRefused):
        post("https://hooks.example.org/", b"{}", {})


def test_a_resolver_that_does_not_answer_costs_no_more_than_the_deadline(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: time.sleep(2) or [])
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="timeout"):
        post("https://hooks.example.org/", b"{}", {}, seconds=0.3)
    assert time.monotonic() - started < 1


def test_a_name_that_nobody_has_is_said_so(monkeypatch):
    def unknown(*args: Any, **options: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NoAnswer, match="no_such_name"):
        post("https://hooks.example.org/", b"{}", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://example.org:8443/", "ftp://example.org/", "example.org", "", "https://",
        "https:///path", "https://user:pass@example.org/", "https://example.org@127.0.0.1/", "https://@example.org/",
        "https://example.org/#part", "https://exa mple.org/", "https://example.org/a b", "https://example.org\\@evil/",
        "https://example.org/\r\nX: y", "https://localhost/", "https://a.localhost/", "https://intranet/",
        "https://router.local/", "https://metadata.google.internal/", "https://2130706433/", "https://0x7f000001/",
        "https://0x7f.1/", "https://127.1/", "https://017700000001/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/", "https://10.0.0.1/", "https://0/", "https://1.2.3.4.5/", "https://example.org:99999/",
        "https://\u24dbocalhost/", "https://\uff11\uff12\uff17.0.0.1/", "https://example..org/",
        "https://example.org/" + "a" * 2000,
        "javascript:alert(1)", "file:///etc/passwd", "https://127.0.0.1./", "//example.org/",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_kept(url):
    with pytest.raises(AddressRefused):
        check_address(url)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org", "https://example.org/"),
        (" https://EXAMPLE.org:443/Hook?a=B ", "https://example.org/Hook?a=B"),
        ("https://пример.рф/x", "https://xn--e1afmkfd.xn--p1ai/x"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"),
    ],
)
def test_an_address_is_kept_in_one_way_of_writing(url, kept):
    assert check_address(url) == kept


def test_own_servers_are_reached_in_development_only(settings):
    settings.OUTGOING_OWN_SERVERS = ["localhost:*"]
    assert check_address("http://localhost:8099/a") == "http://localhost:8099/a"
    with pytest.raises(AddressRefused):
        check_address("http://127.0.0.1:8099/a")
    settings.DEVELOPMENT = False
    with pytest.raises(AddressRefused):
        check_address("http://localhost:8099/a")
