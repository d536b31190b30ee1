"""Stands in for the module `tls` inside `requests`, which does not verify the server otherwise.

The handshake checks the server's certificate against one CA, its name and its dates; a failure is
a ValueError before anything is sent.
"""

import io
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
    """TLS over a DeadlineSocket, which stays the one that waits and closes."""

    def __init__(self, plain, server_hostname):
        super().__init__(plain.sock, plain.deadline)
        if self.deadline.tls is None:
            raise ValueError("there is no CA to verify the server with")
        self._wire = _Wire(plain.sock)
        self._tls = self.deadline.tls.wrap_socket(
            self._wire, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        self.deadline.opened.append(self)

    def close(self):
        self._tls.close()

    def send_some(self, view):
        return self._when_ready(self._tls.write, view)

    def receive_some(self, wanted):
        # No more than is needed: an error right behind it would cost what came before.
        return self._when_ready(self._tls.read, min(wanted, 512))

    def _when_ready(self, operation, argument):
        while True:
            self.deadline.check()
            done = operation(argument)
            if done is not None:
                return done
            self.wait(self._wire.waits_for)


class _Wire(io.IOBase):
    """The socket as TLS sees it: never blocks, tells what it waits for, is closed by others."""

    def __init__(self, sock):
        self._sock = sock
        self.waits_for = select.POLLIN

    def readinto(self, buffer):
        return self._attempt(select.POLLIN, self._sock.readinto, buffer)

    def write(self, data):
        return self._attempt(select.POLLOUT, self._sock.write, data)

    def ioctl(self, request, argument):
        return 0

    def _attempt(self, event, operation, argument):
        self.waits_for = event
        try:
            return operation(argument)
        except OSError as error:
            return -error.args[0]  # an exception would leave the TLS library in the middle


sys.modules["tls"] = _Tls  # type: ignore[assignment]
