"""A server on threads of the interpreter under test, real sockets, as bad as a test wants it."""

import _thread
import select
import socket

from gil import start_new_thread

_STACK = 64 * 1024


class Connection:
    """What was accepted; other threads run while it waits."""

    def __init__(self, sock):
        self._sock = sock
        self.close = sock.close

    def receive_until(self, end):
        """All there is, up to `end`. OSError if the peer stops before."""
        data = b""
        while not data.endswith(end):
            _wait(self._sock, select.POLLIN)
            more = self._sock.recv(1000)
            if not more:
                raise OSError("cut off")
            data += more
        return data

    def send(self, data):
        """A few thousand bytes: there is room for them when there is any."""
        _wait(self._sock, select.POLLOUT)
        self._sock.send(data)


def _wait(sock, event):
    poller = select.poll()
    poller.register(sock, event)
    poller.poll()


def listening():
    """(a listening socket on a free port, its http address)."""
    listener = socket.socket()
    listener.bind(socket.getaddrinfo("127.0.0.1", 0)[0][-1])
    listener.listen(5)
    return listener, "http://127.0.0.1:%d" % _port_of(listener)


def serving(talk):
    """The http address of a server that calls talk(Connection) for each, on a thread of its own."""
    listener, address = listening()

    def serve():
        while True:
            _wait(listener, select.POLLIN)
            start_new_thread(_try, (talk, Connection(listener.accept()[0])))

    _thread.stack_size(_STACK)
    start_new_thread(serve, ())
    return address


def _try(talk, connection):
    try:
        talk(connection)
    except OSError:
        pass  # the client went away


def _port_of(listener):
    # The Unix port has no getsockname: ask the kernel through /proc.
    inode = _inode(listener.fileno())
    for _ in range(100):  # a line is skipped when others go away meanwhile
        with open("/proc/net/tcp") as table:
            for line in table:
                fields = line.split()
                if fields[9] == inode:
                    return int(fields[1].split(":")[1], 16)
    raise AssertionError("no such socket")


def _inode(number):
    with open("/proc/self/fdinfo/%d" % number) as info:
        for line in info:
            if line.startswith("ino:"):
                return line.split()[1]
    raise AssertionError("no inode")
