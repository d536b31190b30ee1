"""Stands in for the module `tls` inside `requests`, which does not verify the server otherwise.

The handshake checks the server's certificate against one CA, its name and its dates; a failure is
a ValueError before anything is sent. TLS reads and writes are polled: a blocking one would hold
the thread for as long as the peer drips.
"""

import sys
from time import sleep_ms

import tls

from warden.deadline_sockets import DeadlineSocket

_POLL_MS = 5


def context(ca):
    """What a Deadline needs for https, from the bytes of a CA certificate in DER.

    ValueError if they are none.
    """
    verifying = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    verifying.verify_mode = tls.CERT_REQUIRED  # type: ignore[attr-defined]
    verifying.load_verify_locations(ca)
    return verifying


class _Context:
    """Looks like an SSLContext to `requests`; whatever verify_mode it sets counts for nothing."""

    def __init__(self, protocol):
        pass

    def wrap_socket(self, sock, server_hostname):
        return _TlsSocket(sock, server_hostname)


class _Tls:
    PROTOCOL_TLS_CLIENT = tls.PROTOCOL_TLS_CLIENT
    CERT_NONE = tls.CERT_NONE
    SSLContext = _Context


class _TlsSocket(DeadlineSocket):
    def __init__(self, plain, server_hostname):
        super().__init__(plain.sock, plain.deadline)
        if self.deadline.tls is None:
            raise ValueError("there is no CA to verify the server with")
        self.sock.setblocking(False)
        self._tls = self.deadline.tls.wrap_socket(
            self.sock, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        self.deadline.opened.append(self)

    def close(self):
        self._tls.close()

    def send_some(self, view):
        return self._poll(self._tls.write, view)

    def receive_some(self, wanted):
        # Exactly what is needed: an end of the stream right behind would cost what came before it.
        return self._poll(self._tls.read, min(wanted, 512))

    def _poll(self, operation, argument):
        while True:
            self.deadline.check()
            done = operation(argument)
            if done is not None:
                return done
            sleep_ms(_POLL_MS)


sys.modules["tls"] = _Tls  # type: ignore[assignment]
