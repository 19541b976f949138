#!/usr/bin/env python3
"""Renders docs/session.svg: a session of PowerShell with the module, recorded in a real terminal on a real engine.

Usage: docs/session.py [ADDRESS]   without an address, on an engine of tests/fixture/engine
The module must be built. PowerShell is the one that .config/dotnet-tools.json pins.
"""
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import struct
import fcntl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from session_screen import Screen, render  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS, ROWS = 108, 36

DOCKERFILE = """\
FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]

FROM tools AS site
COPY site /src
RUN for page in index about news; do echo rendered $page; sleep 1; done

FROM tools
COPY --from=site /src /site
"""

BROKEN = """\
FROM demo/app:1 AS app
COPY site /src
RUN cd /src && make
"""


class Session:
    """A PowerShell in a pseudo-terminal, whose screen is kept."""

    def __init__(self, folder, address):
        self.screen = Screen(COLUMNS, ROWS)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ.update(
                HOME=str(folder / "home"), DOTNET_CLI_HOME=os.environ.get("DOTNET_CLI_HOME", os.path.expanduser("~")), TERM="xterm-256color", BUILDKIT_HOST=address, POWERSHELL_UPDATECHECK="Off", POWERSHELL_TELEMETRY_OPTOUT="1",
                NUGET_PACKAGES=os.environ.get("NUGET_PACKAGES", os.path.expanduser("~/.nuget/packages")), DOTNET_NOLOGO="1")
            for name in ("NO_COLOR", "BUILDKIT_PROGRESS", "CI"):
                os.environ.pop(name, None)
            os.execvp("dotnet", ["dotnet", "tool", "run", "pwsh", "--", "-NoLogo", "-NoProfile"])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read(self, seconds):
        """Takes what the terminal gets for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                return
            for answer in self.screen.feed(os.read(self.terminal, 65536)):
                os.write(self.terminal, answer)

    def wait(self, condition, seconds=60):
        """Takes what the terminal gets until the screen meets a condition."""
        end = time.monotonic() + seconds
        while not condition(self.screen):
            if time.monotonic() > end:
                raise TimeoutError("the screen stays:\n" + self.screen.text())
            self.read(0.05)

    def type(self, line):
        for character in line:
            os.write(self.terminal, character.encode())
            self.read(0.02)

    def enter(self, line):
        """Types a line and runs it; returns before it has ended."""
        self.type(line)
        self.read(0.3)
        os.write(self.terminal, b"\r")

    def at_prompt(self, screen):
        return screen.text().rstrip().endswith("PS ~/demo>")

    def run(self, line):
        self.enter(line)
        self.read(0.5)
        self.wait(self.at_prompt)
        self.read(0.3)


def engine_up():
    lines = subprocess.run([ROOT / "tests/fixture/engine", "up", "--owner", str(os.getpid()), "docker-28"],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    engine = {}
    try:
        if len(sys.argv) > 1:
            address = sys.argv[1]
        else:
            engine = engine_up()
            address = engine["address"]
        busybox = engine.get("busybox") or subprocess.run([ROOT / "tests/fixture/engine", "get", "busybox"],
                                                          check=True, capture_output=True, text=True).stdout.split()[2] + "/bin/busybox"
        for name, text in (("app", DOCKERFILE), ("broken", BROKEN)):
            context = folder / "home" / "demo" / name
            (context / "site").mkdir(parents=True, exist_ok=True)
            (context / "Dockerfile").write_text(text)
            (context / "site" / "index.txt").write_text("Start\n" * 40)
            shutil.copy(busybox, context / "busybox")
        session = Session(folder, address)
        session.wait(lambda screen: "PS " in screen.text())
        session.enter(f"Import-Module {ROOT}/OpenCloud.Build.psd1; function prompt {{ 'PS ~/demo> ' }}; Set-Location ~/demo; Clear-Host")
        session.wait(lambda screen: screen.text().strip() == "PS ~/demo>")
        session.read(0.5)

        session.enter("$build = Invoke-ImageBuild ./app -Tag demo/app:1")
        session.wait(lambda screen: "rendered about" in screen.text())
        progress = session.screen.copy()
        session.wait(session.at_prompt)
        session.read(0.3)
        session.run("$build")
        session.run("$build.Steps | Sort-Object Duration -Descending -Top 4")
        session.run("Invoke-ImageBuild ./broken -Tag demo/broken")
        os.write(session.terminal, b"exit\r")
        (ROOT / "docs" / "session.svg").write_text(render([progress, session.screen]))
        os.waitpid(session.pid, 0)
    finally:
        if engine:
            subprocess.run([ROOT / "tests/fixture/engine", "down", engine["folder"]], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


main()
