"""`python -m platform_config.launcher run`, or `manage …`."""

import sys

from platform_config.launcher import processes, product, terminal
from platform_config.launcher.terminal import say

USAGE = "usage: python -m platform_config.launcher run | manage COMMAND …"


def main(arguments: list[str]) -> int:
    terminal.ensure_standard_streams()
    match arguments:
        case ["run"]:
            processes.end_with_make()
            try:
                return product.run()
            except KeyboardInterrupt:  # so early that nothing runs yet
                return 130
        case ["manage", *command]:
            return product.manage(command)
    say(USAGE, stream="stderr")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
