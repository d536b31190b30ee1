"""Stands in for the module `tls` inside `requests`, which does not verify the server otherwise.

The handshake checks the server's certificate against one CA, its name and its dates; a failure is
a ValueError before anything is sent.
"""

import select
import sys

import tls

from warden.deadline_sockets import DeadlineSocket


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
        self._stream = self.deadline.tls.wrap_socket(
            self.sock, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        self.deadline.opened.append(self._stream)

    def send_some(self, view):
        return self.when_ready(self._stream, select.POLLOUT, self._stream.write, view)

    def receive_some(self, wanted):
        # No more than is needed: an error right behind it would cost what came before.
        read = self._stream.read
        return self.when_ready(self._stream, select.POLLIN, read, min(wanted, 512))


sys.modules["tls"] = _Tls  # type: ignore[assignment]
