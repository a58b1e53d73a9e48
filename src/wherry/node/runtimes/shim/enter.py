"""Run one more command where a plain container runs: the program behind `exec` of the process runtime.

Arguments: the package's folder, a descriptor with the launch description, a descriptor for complaints (see `launch.py`).
"""

from __future__ import annotations

import fcntl
import marshal
import os
import sys
import termios

from wherry.node.runtimes.shim.launch import LaunchError, become_command


def main() -> None:
    description, complain = int(sys.argv[2]), int(sys.argv[3])
    os.set_inheritable(complain, False)
    with open(description, "rb") as file:
        launch = marshal.load(file)
    if launch["tty"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    try:
        become_command(launch)
    except LaunchError as error:
        message = str(error)
    except OSError as error:
        message = str(error)
    os.write(complain, message.encode())
    os._exit(127)
