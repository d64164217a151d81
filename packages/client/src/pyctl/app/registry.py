"""Which commands there are, and where each one lives. Nothing here imports them, so that a command pays only for itself."""

from __future__ import annotations

import attrs


@attrs.frozen
class Entry:
    """One command."""

    home: str
    """``module:function`` below `pyctl.app.commands`."""
    summary: str
    usage: str
    """What follows the command's name in its usage line; ``{path}`` is the command with its name."""
    interspersed: bool = True
    """False when everything after the first operand belongs to the container's own command."""
    arity: str = ""
    """What is said about too few operands, where docker takes fewer than we do."""
    hidden: bool = False
    """Whether it is for programs alone, and in no list of commands."""


_IMAGE_COMMAND = "[OPTIONS] IMAGE [COMMAND] [ARG...]"
_CONTAINERS = "[OPTIONS] CONTAINER [CONTAINER...]"

CONTAINER_COMMANDS = {
    "attach": Entry(
        "attach:attach",
        "Attach local standard input, output, and error streams to a running container",
        "[OPTIONS] CONTAINER",
    ),
    "commit": Entry(
        "commit:commit", "Create a new image from a container's changes", "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]"
    ),
    "cp": Entry(
        "cp:cp",
        "Copy files/folders between a container and the local filesystem",
        "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\t{path} [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    ),
    "create": Entry("create:create", "Create a new container", _IMAGE_COMMAND, interspersed=False),
    "diff": Entry("diff:diff", "Inspect changes to files or directories on a container's filesystem", "CONTAINER"),
    "exec": Entry(
        "exec_:exec_",
        "Execute a command in a running container",
        "[OPTIONS] CONTAINER COMMAND [ARG...]",
        interspersed=False,
    ),
    "export": Entry("export:export", "Export a container's filesystem as a tar archive", "[OPTIONS] CONTAINER"),
    "kill": Entry("lifecycle:kill", "Kill one or more running containers", _CONTAINERS),
    "logs": Entry("logs:logs", "Fetch the logs of a container", "[OPTIONS] CONTAINER", arity="requires 1 argument"),
    "pause": Entry("lifecycle:pause", "Pause all processes within one or more containers", "CONTAINER [CONTAINER...]"),
    "port": Entry(
        "port:port", "List port mappings or a specific mapping for the container", "CONTAINER [PRIVATE_PORT[/PROTO]]"
    ),
    "prune": Entry("prune:containers", "Remove all stopped containers", "[OPTIONS]"),
    "rename": Entry("lifecycle:rename", "Rename a container", "CONTAINER NEW_NAME"),
    "restart": Entry("lifecycle:restart", "Restart one or more containers", _CONTAINERS),
    "rm": Entry("lifecycle:rm", "Remove one or more containers", _CONTAINERS),
    "run": Entry("run:run", "Create and run a new container from an image", _IMAGE_COMMAND, interspersed=False),
    "start": Entry("start:start", "Start one or more stopped containers", _CONTAINERS),
    "stats": Entry(
        "stats:stats",
        "Display a live stream of container(s) resource usage statistics",
        "[OPTIONS] [CONTAINER...]",
    ),
    "stop": Entry("lifecycle:stop", "Stop one or more running containers", _CONTAINERS),
    "top": Entry(
        "top:top", "Display the running processes of a container", "CONTAINER [ps OPTIONS]", interspersed=False
    ),
    "unpause": Entry(
        "lifecycle:unpause", "Unpause all processes within one or more containers", "CONTAINER [CONTAINER...]"
    ),
    "update": Entry("update:update", "Update configuration of one or more containers", _CONTAINERS),
    "wait": Entry(
        "lifecycle:wait",
        "Block until one or more containers stop, then print their exit codes",
        "CONTAINER [CONTAINER...]",
    ),
}

IMAGE_COMMANDS = {
    "build": Entry("build:build", "Build an image from a Dockerfile", "[OPTIONS] PATH | URL | -"),
    "history": Entry("history:history", "Show the history of an image", "[OPTIONS] IMAGE"),
    "import": Entry(
        "import_:import_",
        "Import the contents from a tarball to create a filesystem image",
        "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    ),
    "load": Entry("load:load", "Load an image from a tar archive or STDIN", "[OPTIONS]"),
    "prune": Entry("prune:images", "Remove unused images", "[OPTIONS]"),
    "pull": Entry("pull:pull", "Download an image from a registry", "[OPTIONS] NAME[:TAG|@DIGEST]"),
    "push": Entry("push:push", "Upload an image to a registry", "[OPTIONS] NAME[:TAG]"),
    "save": Entry(
        "save:save",
        "Save one or more images to a tar archive (streamed to STDOUT by default)",
        "[OPTIONS] IMAGE [IMAGE...]",
    ),
    "tag": Entry(
        "tag:tag",
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    ),
}

SYSTEM_COMMANDS = {
    "df": Entry("df:df", "Show docker disk usage", "[OPTIONS]"),
    "dial-stdio": Entry(
        "dial:dial_stdio",
        "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
        "",
        hidden=True,
    ),
    "events": Entry("events:events", "Get real time events from the server", "[OPTIONS]"),
    "info": Entry("info:info", "Display system-wide information", "[OPTIONS]"),
    "prune": Entry("prune:system", "Remove unused data", "[OPTIONS]"),
}

_CONTEXT_LS = Entry("contexts:ls", "List contexts", "[OPTIONS]")
_CONTEXT_RM = Entry("contexts:rm", "Remove one or more contexts", "CONTEXT [CONTEXT...]")
CONTEXT_COMMANDS = {
    "create": Entry("contexts:create", "Create a context", "[OPTIONS] CONTEXT"),
    "export": Entry(
        "contexts:export",
        "Export a context to a tar archive FILE or a tar stream on STDOUT.",
        "[OPTIONS] CONTEXT [FILE|-]",
    ),
    "import": Entry("contexts:import_", "Import a context from a tar or zip file", "CONTEXT FILE|-"),
    "inspect": Entry(
        "contexts:inspect",
        "Display detailed information on one or more contexts",
        "[OPTIONS] [CONTEXT] [CONTEXT...]",
    ),
    "list": _CONTEXT_LS,
    "ls": _CONTEXT_LS,
    "remove": _CONTEXT_RM,
    "rm": _CONTEXT_RM,
    "show": Entry("contexts:show", "Print the name of the current context", ""),
    "update": Entry("contexts:update", "Update a context", "[OPTIONS] CONTEXT"),
    "use": Entry("contexts:use", "Set the current docker context", "CONTEXT"),
}

_VOLUME_LS = Entry("volumes:ls", "List volumes", "[OPTIONS]")
_VOLUME_RM = Entry(
    "volumes:rm",
    "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
    "[OPTIONS] VOLUME [VOLUME...]",
)
VOLUME_COMMANDS = {
    "create": Entry("volumes:create", "Create a volume", "[OPTIONS] [VOLUME]"),
    "inspect": Entry(
        "inspect:inspect_volumes",
        "Display detailed information on one or more volumes",
        "[OPTIONS] VOLUME [VOLUME...]",
    ),
    "list": _VOLUME_LS,
    "ls": _VOLUME_LS,
    "prune": Entry("volumes:prune", "Remove unused local volumes", "[OPTIONS]"),
    "remove": _VOLUME_RM,
    "rm": _VOLUME_RM,
}

_NETWORK_LS = Entry("networks:ls", "List networks", "[OPTIONS]")
_NETWORK_RM = Entry("networks:rm", "Remove one or more networks", "NETWORK [NETWORK...]")
NETWORK_COMMANDS = {
    "connect": Entry("networks:connect", "Connect a container to a network", "[OPTIONS] NETWORK CONTAINER"),
    "create": Entry("networks:create", "Create a network", "[OPTIONS] NETWORK"),
    "disconnect": Entry("networks:disconnect", "Disconnect a container from a network", "[OPTIONS] NETWORK CONTAINER"),
    "inspect": Entry(
        "inspect:inspect_networks",
        "Display detailed information on one or more networks",
        "[OPTIONS] NETWORK [NETWORK...]",
    ),
    "list": _NETWORK_LS,
    "ls": _NETWORK_LS,
    "prune": Entry("networks:prune", "Remove all unused networks", "[OPTIONS]"),
    "remove": _NETWORK_RM,
    "rm": _NETWORK_RM,
}

_PS = Entry("ps:ps", "List containers", "[OPTIONS]")
_IMAGES = Entry("images:images", "List images", "[OPTIONS] [REPOSITORY[:TAG]]")
_RMI = Entry("rmi:rmi", "Remove one or more images", "[OPTIONS] IMAGE [IMAGE...]")
_OBJECTS = "[OPTIONS] NAME|ID [NAME|ID...]"

_GROUPED = frozenset({"prune", "df", "dial-stdio"})
"""What has no short form: it would not say of what."""

COMMANDS = {
    **{
        name: entry
        for name, entry in (CONTAINER_COMMANDS | IMAGE_COMMANDS | SYSTEM_COMMANDS).items()
        if name not in _GROUPED
    },
    "completion": Entry("completion:completion", "Print the completion script for bash, fish or zsh", "SHELL"),
    "doctor": Entry("doctor:doctor", "Check this machine and the daemon, and say what to do", ""),
    "images": _IMAGES,
    "inspect": Entry("inspect:inspect", "Return low-level information on Docker objects", _OBJECTS),
    "login": Entry("login:login", "Authenticate to a registry", "[OPTIONS] [SERVER]"),
    "logout": Entry("login:logout", "Log out from a registry", "[SERVER]"),
    "ps": _PS,
    "rmi": _RMI,
    "search": Entry("search:search", "Search Docker Hub for images", "[OPTIONS] TERM"),
    "version": Entry("version:version", "Show the Docker version information", "[OPTIONS]"),
}
"""Everything that is called by its own name, as ``pyctl run``."""

GROUPS: dict[str, tuple[str, dict[str, Entry]]] = {
    "container": (
        "Manage containers",
        {
            **CONTAINER_COMMANDS,
            "inspect": Entry(
                "inspect:inspect_containers", "Display detailed information on one or more containers", _CONTAINERS
            ),
            "list": _PS,
            "ls": _PS,
            "ps": _PS,
            "remove": CONTAINER_COMMANDS["rm"],
        },
    ),
    "context": ("Manage contexts", CONTEXT_COMMANDS),
    "image": (
        "Manage images",
        {
            **IMAGE_COMMANDS,
            "inspect": Entry(
                "inspect:inspect_images",
                "Display detailed information on one or more images",
                "[OPTIONS] IMAGE [IMAGE...]",
            ),
            "list": _IMAGES,
            "ls": _IMAGES,
            "remove": _RMI,
            "rm": _RMI,
        },
    ),
    "network": ("Manage networks", NETWORK_COMMANDS),
    "system": ("Manage Docker", SYSTEM_COMMANDS),
    "volume": ("Manage volumes", VOLUME_COMMANDS),
}
"""Management commands, as ``pyctl container run``."""

SPELLED_OUT = frozenset({"volume"})
"""Those whose usage says that a command follows, where docker has forgotten it for the others."""
