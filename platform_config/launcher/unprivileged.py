"""Running servers as `nobody` when we are root: which user, which copy of the binaries, which folder.

A checkout below /root, or a virtual environment there, cannot be reached by `nobody`. Then the binaries are
copied, and the data lives, below /var/lib/foyer. No user is made and no folder of yours is opened to others.
"""

import hashlib
import os
import pwd
import secrets
import shutil
from pathlib import Path

from platform_config.launcher import processes
from platform_config.launcher.errors import CannotStart
from platform_config.launcher.processes import User

SHELTER = Path("/var/lib/foyer")


def user_for(folder: Path) -> User | None:
    """Whom to run a server as: None (ourselves) unless we are root; then the folder's owner, or `nobody`."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            return User(str(owner), owner, folder.stat().st_gid)
    else:
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            raise CannotStart(
                "Postgres must not run as root, and this machine has no user nobody.",
                "Start as an ordinary user, or set DATABASE_URL.",
            ) from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(path: Path, user: User | None) -> bool:
    """True if the user may enter the folder, or read and run the file."""
    if user is None:
        return os.access(path, os.R_OK | os.X_OK)
    if path.is_dir():
        return processes.run(["/bin/sh", "-c", 'cd "$1"', "sh", path], user=user, folder=Path("/")).returncode == 0
    return (
        processes.run(
            ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", path], user=user, folder=Path("/")
        ).returncode
        == 0
    )


def reachable_copy(root: Path, parts: list[str], probe: str, user: User | None) -> Path:
    """Return `root`, or a copy of its `parts` in /var/lib/foyer if the user cannot reach `root / probe`.

    The copy is named after what is copied, made whole under another name first, and made once.
    """
    if reachable(root / probe, user):
        return root
    state = (root / probe).stat()
    key = hashlib.sha256(f"{root} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SHELTER / f"{parts[0]}-{key}"
    if not (copy / probe).exists():
        unfinished = SHELTER / f"{copy.name}.{os.getpid()}.part"
        _make_shelter()
        try:
            for part in parts:
                if (root / part).exists():
                    shutil.copytree(root / part, unfinished / part, symlinks=True)
            unfinished.chmod(0o755)
            unfinished.rename(copy)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not (copy / probe).exists():  # another launcher was quicker
                raise CannotStart(
                    f"Cannot copy the server to {copy}: {error.strerror}.",
                    "Make room there, or start as an ordinary user.",
                ) from None
    return copy


def reachable_folder(folder: Path, user: User | None) -> Path:
    """Make the folder, owned by the user, and return where it really is: itself, or a place below /var/lib/foyer.

    In the second case `folder` becomes a link, so that it is found where it is looked for.
    """
    if folder.is_symlink():
        return _follow(folder)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        if user is None or reachable(folder.parent, user):
            folder.mkdir(mode=0o700)
            if user:
                os.chown(folder, user.uid, user.gid)
        else:
            _make_shelter()
            real = SHELTER / f"data-{secrets.token_hex(6)}"
            real.mkdir(mode=0o700)
            os.chown(real, user.uid, user.gid)
            folder.symlink_to(real)
            return real
    elif user is not None and not reachable(folder, user):
        raise CannotStart(
            f"The user {user.name} cannot reach the data folder {folder}.",
            "Start as the user who made it, or set FOYER_HOME to a folder that everybody may enter.",
        )
    return folder


def _follow(link: Path) -> Path:
    target = link.readlink()
    if target.is_dir():
        return target
    if target.parent == SHELTER:
        raise CannotStart(
            f"The data folder {link} points at {target}, which is gone.",
            f"Bring it back, or remove the link to start with an empty database: rm {link}",
        )
    raise CannotStart(f"The data folder {link} is a link that leads nowhere.", f"Mend it, or remove it: rm {link}")


def _make_shelter() -> None:
    try:
        SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
        SHELTER.chmod(0o755)
    except OSError as error:
        raise CannotStart(
            f"Cannot make {SHELTER}: {error.strerror}.", "Start as an ordinary user, or set DATABASE_URL."
        ) from None
