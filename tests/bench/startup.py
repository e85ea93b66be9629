"""Times a program in a terminal of our own: to the end of --version, to the first whole frame, and idle."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

SEQUENCE = re.compile(rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][0-9A-B]|[=>78cM])")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm-256color", "LANG": "C.UTF-8", "USER": "bench"}


class Terminal:
    """A program on an 80x24 terminal that answers the questions terminals answer (or, silent, none)."""

    def __init__(self, argv, folder, silent=False):
        self.main, line = pty.openpty()
        fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        name = os.ttyname(line)
        self.silent = silent
        self.raw = b""
        os.chdir(folder)
        self.since = time.perf_counter()
        # Opening the line as a session's first makes it the controlling terminal.
        self.pid = os.posix_spawn(
            argv[0], argv, ENVIRONMENT, setsid=True,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)],
        )
        os.close(line)

    def read(self, limit):
        """Reads what comes within `limit` seconds; False when nothing did."""
        if not select.select([self.main], [], [], limit)[0]:
            return False
        try:
            new = os.read(self.main, 65536)
        except OSError:
            sys.exit(f"# it ended; the last bytes are {self.raw[-300:]!r}")
        self.raw += new
        if not self.silent:
            if b"\x1b]11;?" in new:
                os.write(self.main, b"\x1b]11;rgb:0000/0000/0000\x1b\\")
            if b"\x1b[6n" in new:
                os.write(self.main, b"\x1b[1;1R")
            if b"\x1b[c" in new:
                os.write(self.main, b"\x1b[?62;22c")
        return True

    def until(self, text, limit=10.0):
        """Seconds from the start until `text` has been drawn."""
        while text not in SEQUENCE.sub(b"", self.raw):
            left = self.since + limit - time.perf_counter()
            if left <= 0 or not self.read(left):
                sys.exit(f"# {text!r} never came; the last bytes are {self.raw[-300:]!r}")
        return time.perf_counter() - self.since

    def settle(self, quiet=1.5, limit=15.0):
        """Reads until nothing came for `quiet` seconds."""
        end = time.perf_counter() + limit
        while self.read(quiet) and time.perf_counter() < end:
            pass

    def cpu(self):
        """Nanoseconds on a processor so far, all threads."""
        threads = pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.main)


def versions(program, runs=60):
    def once():
        since = time.perf_counter()
        subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
        return time.perf_counter() - since
    return statistics.median(once() for _ in range(runs)) * 1000


def frames(argv, folder, text, runs=21, silent=False):
    def once():
        terminal = Terminal(argv, folder, silent)
        try:
            return terminal.until(text)
        finally:
            terminal.close()
    return statistics.median(once() for _ in range(runs)) * 1000


def idle(argv, folder, text, seconds=10.0):
    """Milliseconds of processor time and bytes written in `seconds` without a touch."""
    terminal = Terminal(argv, folder)
    try:
        terminal.until(text)
        terminal.settle()
        before, written = terminal.cpu(), len(terminal.raw)
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            terminal.read(left)
        return (terminal.cpu() - before) / 1e6, len(terminal.raw) - written
    finally:
        terminal.close()


def line(name, ours, peer, unit):
    ratio = "-" if peer is None else f"{peer / ours:.2f}" if ours else "inf" if peer else "1.00"
    print(name, ratio, f"{ours:.2f}", "-" if peer is None else f"{peer:.2f}", unit, flush=True)


def main():
    ours, peer = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="bench-")
    table = pathlib.Path(folder, "table.csv")
    table.write_text("id,name\n" + "".join(f"{n},row{n}\n" for n in range(1, 51)))
    wizard = ([ours, "-w", "acme"], folder, b"quit")
    lens = ([peer, str(table)], folder, b"row10")
    line("version", versions(ours), versions(peer), "ms")
    line("first_frame", frames(*wizard), frames(*lens), "ms")
    line("first_frame_silent_terminal", frames(*wizard, runs=11, silent=True), frames(*lens, runs=11, silent=True), "ms")
    (cpu, written), (peer_cpu, peer_written) = idle(*wizard), idle(*lens)
    line("idle_cpu_in_10_s", cpu, peer_cpu, "ms")
    line("idle_bytes_in_10_s", written, peer_written, "bytes")


main()
