"""Who is there, and what scripts are told of it. Used by `script` and `keeper`."""

import json
import os
import socket

RUN = "/run/aerie"


def own_id():
    """Eight characters to call this instance by, as pages do."""
    return os.environ.get("AERIE_INSTANCE", "").replace("-", "")[-8:]


def own_address():
    """This instance's address on the application's network."""
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def read(role):
    """The list that the platform keeps up to date: digest, service, version, members."""
    seen = {"digest": "", "service": "", "version": "", "members": []}
    with open(f"{RUN}/{role}/members") as file:
        for line in file:
            name, *words = line.split() or [""]
            if name == "member":
                address = own_address() if words[1] == own_id() else words[2]
                seen["members"].append({"id": words[1], "role": words[0], "ip": address})
            elif name in seen:
                seen[name] = " ".join(words)
    return seen


def write(path, text):
    """All of it or nothing: scripts may be reading. Nothing when it is there: there may be no room for it."""
    try:
        with open(path) as file:
            if file.read() == text:
                return
    except OSError:
        pass
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w") as file:
        file.write(text)
    os.rename(fresh, path)


def environment(role, seen):
    """What a script finds in its environment beside the user's variables."""
    topology = f"{RUN}/{role}/topology.json"
    write(topology, json.dumps(seen["members"], indent=1) + "\n")
    masters = [member["ip"] for member in seen["members"] if member["role"] == "master"]
    if not masters:
        try:
            masters = [socket.gethostbyname(f"master.{seen['service']}")]
        except OSError:
            masters = [""]
    return {
        **os.environ,
        "MY_ID": own_id(),
        "MY_ROLE": role,
        "MY_IP": own_address(),
        "MASTER_IP": masters[0],
        "TOPOLOGY": topology,
        # Otherwise Python keeps lines back until there are many.
        "PYTHONUNBUFFERED": "1",
    }
