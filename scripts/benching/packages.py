"""Debian packages that are missing: installed without starting what they hold, and removed again when that is wanted."""
import contextlib
import os
import pathlib
import shutil
import subprocess

POLICY = pathlib.Path("/usr/sbin/policy-rc.d")  # asked before a package starts a service; 101 forbids it
ASIDE = POLICY.with_name("policy-rc.d.before-freshet-bench")
OURS = "#!/bin/sh\n# Made by scripts/bench of Freshet while it installs packages.\nexit 101\n"


class NotInstalled(Exception):
    pass


def installed():
    said = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"], capture_output=True, text=True, check=True).stdout
    return {line.split()[1] for line in said.splitlines() if line.startswith("ii")}


def version(package):
    found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return found.stdout if found.returncode == 0 else ""


@contextlib.contextmanager
def services_held_back():
    if POLICY.exists() and not ASIDE.exists():
        POLICY.rename(ASIDE)
    POLICY.write_text(OURS)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if ASIDE.exists():
            ASIDE.rename(POLICY)


def disable_services(packages):
    """Nor are they to start with the machine."""
    if not shutil.which("systemctl"):
        return
    listed = subprocess.run(["dpkg-query", "-L", *sorted(packages)], capture_output=True, text=True).stdout
    units = {pathlib.Path(line).name for line in listed.splitlines() if "/systemd/system/" in line and line.endswith(".service") and "@" not in line}
    if units:
        subprocess.run(["systemctl", "disable", *sorted(units)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def apt(*arguments):
    subprocess.run(["apt-get", "-q", "-y", *arguments], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def install(wanted):
    """Returns the names of all packages that came with those that were missing."""
    before = installed()
    missing = sorted(set(wanted) - before)
    if not missing:
        return set()
    if os.geteuid() != 0:
        raise NotInstalled("these packages are missing, and only root can install them: apt-get install " + " ".join(missing)
                           + "\n(as root, bench does it without starting their services; or leave peers out with --peers)")
    print("bench: installing", *missing, flush=True)
    with services_held_back():
        try:
            apt("update")
            apt("install", "--no-install-recommends", *missing)
        except subprocess.CalledProcessError as why:
            raise NotInstalled(f"apt-get failed: {why}") from why
        came = installed() - before
    disable_services(came)
    return came


def remove(came):
    if came:
        print("bench: removing", *sorted(came), flush=True)
        apt("purge", *sorted(came))
