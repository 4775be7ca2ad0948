"""A name server on this machine, for the tests that ask DNS."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """Answers for the names that it is told of; NXDOMAIN for all others.

    `texts` are TXT records, `addresses` A records; None for a name: it says nothing, so that one waits in vain.
    `asked` holds the questions that came.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[str] | None] = {}
        self.addresses: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def place(self) -> str:
        """What DNS_SERVERS has to name."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, place = self._socket.recvfrom(4096)
            except OSError:
                return
            answer = self._answer(dns.message.from_wire(asked))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), place)

    def _answer(self, question: dns.message.Message) -> dns.message.Message | None:
        name = question.question[0].name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        values = self.texts.get(name, []) if kind == "TXT" else self.addresses.get(name, []) if kind == "A" else []
        if values is None:
            return None
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if values:
            told = ['"' + each.replace('"', "") + '"' for each in values] if kind == "TXT" else values
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *told))
        elif not self.texts.get(name) and not self.addresses.get(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
