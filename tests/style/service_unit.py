#!/usr/bin/env python3
"""The systemd unit keeps what hardens it: complains about keys of conf/freshet.service that are missing or say something else.

`systemd-analyze security --offline=true conf/freshet.service` says what each is good for.
"""
import sources

UNIT = "conf/freshet.service"

# Key -> all its values, in their order.
WANTED = {
    "Type": ["notify"],
    "WatchdogSec": ["30s"],
    "KillMode": ["mixed"],
    "LimitCORE": ["0"],
    "TasksMax": ["2048"],
    "DynamicUser": ["yes"],
    "LogsDirectory": ["freshet"],
    "RuntimeDirectory": ["freshet"],
    "AmbientCapabilities": ["CAP_NET_BIND_SERVICE"],
    "CapabilityBoundingSet": ["CAP_NET_BIND_SERVICE"],
    "NoNewPrivileges": ["yes"],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateDevices": ["yes"],
    "PrivateMounts": ["yes"],
    "ProtectClock": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectProc": ["invisible"],
    "ProcSubset": ["pid"],
    "RemoveIPC": ["yes"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "KeyringMode": ["private"],
    "SystemCallArchitectures": ["native"],
    # capset: the capability that opened the ports is given up again.
    "SystemCallFilter": ["@system-service", "~@privileged @resources", "capset"],
    "SystemCallErrorNumber": ["EPERM"],
    "UMask": ["0027"],
}


def check(root):
    path = root / UNIT
    if not path.is_file():
        yield f"{UNIT}: is missing"
        return
    found = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    for key, values in WANTED.items():
        if found.get(key) != values:
            yield f"{UNIT}: {key} is {found.get(key)}, expected {values}"


if __name__ == "__main__":
    sources.main(check)
