"""The section Container over a supervisor in memory: status codes, bodies, docker's texts."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from pycontainerd import Health, HealthCheck, HealthResult, Resources, RestartPolicy
from pycontainerd.containers.info import Status
from pycontainerd.logs.record import LogBatch
from tests.daemon import contract
from tests.daemon.conftest import Api
from tests.daemon.fakes import IMAGE_ID


async def test_create_answers_the_id_and_takes_the_name(api: Api) -> None:
    reply = await api.ask("POST", "/v1.50/containers/create?name=web", {"Image": "busybox", "Cmd": ["true"]})
    assert reply.status == 201
    contract.load().check("POST", "/containers/create", 201, reply.json)
    container = api.supervisor.containers.get("web")
    assert reply.json == {"Id": container.id, "Warnings": []}


async def test_create_without_a_name_makes_one_up(api: Api) -> None:
    await api.ask("POST", "/containers/create", {"Image": "busybox"})
    (container,) = api.supervisor.containers.list()
    assert container.name.count("_") == 1


async def test_a_name_that_somebody_was_given_in_the_same_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.create("same_name")
    made_up = iter(["same_name", "other_name"])
    monkeypatch.setattr("pydockerd.services.containers.fresh_name", lambda taken: next(made_up))
    reply = await api.ask("POST", "/containers/create", {"Image": "busybox"})
    assert (reply.status, api.supervisor.containers.get(reply.json["Id"]).name) == (201, "other_name")


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("web", 409, 'Conflict. The container name "/web" is already in use by container "'),
        ("/web", 409, 'Conflict. The container name "/web" is already in use by container "'),
        ("a", 400, "Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"),
        ("a%2Fb", 400, "Invalid container name (a/b), only"),
        ("%C3%A4%C3%B6", 400, "Invalid container name (äö), only"),
        ("new%0A", 400, "Invalid container name (new\n), only"),
    ],
)
async def test_bad_names(api: Api, name: str, status: int, told: str) -> None:
    await api.create("web")
    reply = await api.ask("POST", f"/containers/create?name={name}", {"Image": "busybox"})
    assert (reply.status, reply.message[: len(told)]) == (status, told)
    assert len(api.supervisor.containers.list()) == 1


async def test_create_from_an_unknown_image(api: Api) -> None:
    for image, shown in (("nope", "nope:latest"), ("nope:1", "nope:1"), ("host:5000/nope", "host:5000/nope:latest")):
        reply = await api.ask("POST", "/containers/create", {"Image": image})
        assert (reply.status, reply.message) == (404, f"No such image: {shown}")


async def test_inspect_shows_what_was_asked_with_the_defaults(api: Api) -> None:
    host = {"Memory": 64 << 20, "NetworkMode": "host", "Binds": ["/tmp:/x:ro"], "RestartPolicy": {"Name": "no"}}
    container = await api.create("web", Tty=True, HostConfig=host, ExposedPorts={"80/tcp": {}}, Labels={"a": "b"})
    body = (await api.ask("GET", f"/containers/{container.id[:8]}/json")).json
    contract.load().check("GET", "/containers/{id}/json", 200, body)
    assert body["Name"] == "/web"
    assert (body["Path"], body["Args"]) == ("sleep", ["9"])
    assert body["State"]["Status"] == "created"
    assert body["State"]["StartedAt"] == "0001-01-01T00:00:00Z"
    assert body["Created"] == "2026-01-02T03:04:05.6789Z"
    assert body["HostConfig"]["Memory"] == 64 << 20
    assert body["HostConfig"]["MemorySwap"] == 128 << 20
    assert body["HostConfig"]["ShmSize"] == 64 << 20
    assert body["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {}}
    assert body["Mounts"] == [
        {"Type": "bind", "Source": "/tmp", "Destination": "/x", "Mode": "ro", "RW": False, "Propagation": "rprivate"}
    ]
    assert list(body["NetworkSettings"]["Networks"]) == ["host"]
    assert body["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert body["Config"]["Tty"] is True
    assert body["Config"]["Hostname"] == container.id[:12]


async def test_a_life_by_status_codes(api: Api) -> None:
    container = await api.create()
    steps = [
        ("POST", "stop", 304), ("POST", "kill", 409), ("POST", "pause", 409), ("POST", "start", 204), ("POST", "start", 304),
        ("POST", "unpause", 409), ("POST", "pause", 204), ("POST", "pause", 409), ("POST", "unpause", 204),
        ("POST", "resize?h=5&w=6", 200), ("POST", "kill?signal=TERM", 204), ("POST", "restart?t=3&signal=INT", 204),
        ("POST", "rename?name=other", 204), ("DELETE", "", 204), ("DELETE", "", 404),
    ]  # fmt: skip
    for method, verb, status in steps:
        reply = await api.ask(method, f"/containers/{container.id}{'/' if verb else ''}{verb}")
        assert reply.status == status, (verb, reply.content)
        if status in {204, 304}:
            assert reply.content == b""
        if status in {404, 409}:
            assert reply.message
    assert ("kill", "TERM") in container.calls
    assert ("restart", 3.0, "INT") in container.calls
    assert ("resize", 5, 6) in container.calls


async def test_running_containers_are_removed_by_force_only(api: Api) -> None:
    container = await api.create()
    await container.start()
    assert (await api.ask("DELETE", "/containers/web")).status == 409
    assert (await api.ask("DELETE", "/containers/web?force=1")).status == 204


@pytest.mark.parametrize("path", ["json", "top", "logs?stdout=1", "stats"])
async def test_unknown_containers(api: Api, path: str) -> None:
    reply = await api.ask("GET", f"/containers/absent/{path}")
    assert (reply.status, reply.message) == (404, "No such container: absent")


async def test_a_missing_command_is_told_so_that_clients_exit_with_127(api: Api) -> None:
    await api.create(Cmd=["missing"])
    reply = await api.ask("POST", "/containers/web/start")
    assert reply.status == 400
    assert reply.message.startswith(
        "failed to create task for container: failed to create shim task: OCI runtime create failed:"
    )
    assert "executable file not found" in reply.message


async def test_rename(api: Api) -> None:
    await api.create("one")
    await api.create("two")
    reply = await api.ask("POST", "/containers/one/rename?name=")
    assert (reply.status, reply.message) == (400, "Neither old nor new names may be empty")
    assert (await api.ask("POST", "/containers/one/rename?name=two")).status == 409
    assert (await api.ask("POST", "/containers/one/rename?name=a%20b")).status == 400


async def test_wait_sends_its_head_before_the_end(api: Api) -> None:
    container = await api.create()
    await container.start()
    async with asyncio.timeout(5):
        async with api.client.post("/containers/web/wait") as response:
            assert response.status == 200
            container.end(42)
            body = json.loads(await response.read())
    contract.load().check("POST", "/containers/{id}/wait", 200, body)
    assert body == {"StatusCode": 42}


async def test_wait_for_the_next_exit_and_for_the_removal(api: Api) -> None:
    container = await api.create()
    async with asyncio.timeout(5):
        async with api.client.post("/containers/web/wait?condition=removed") as response:
            await container.start()
            container.end(3)
            await container.remove()
            assert json.loads(await response.read())["StatusCode"] == 3


async def test_wait_with_an_unknown_condition(api: Api) -> None:
    await api.create()
    reply = await api.ask("POST", "/containers/web/wait?condition=foo")
    assert (reply.status, reply.message) == (400, 'invalid condition: "foo"')


async def test_the_list(api: Api) -> None:
    now = datetime.now(UTC)
    up = await api.create("up", Labels={"tier": "web"})
    up.state = attrs.evolve(up.state, status=Status.RUNNING, started_at=now - timedelta(minutes=5), created_at=now)
    down = await api.create("down", Cmd=["sh", "-c", "exit 3"])
    down.state = attrs.evolve(
        down.state,
        status=Status.EXITED,
        exit_code=3,
        finished_at=now - timedelta(hours=3),
        created_at=now - timedelta(1),
    )
    running = (await api.ask("GET", "/containers/json")).json
    contract.load().check("GET", "/containers/json", 200, running)
    assert [entry["Names"] for entry in running] == [["/up"]]
    assert (running[0]["Status"], running[0]["ImageID"], running[0]["Labels"]) == (
        "Up 5 minutes",
        IMAGE_ID,
        {"tier": "web"},
    )
    everything = (await api.ask("GET", "/containers/json?all=1&size=1")).json
    assert [entry["Status"] for entry in everything] == ["Up 5 minutes", "Exited (3) 3 hours ago"]
    assert everything[1]["Command"] == "sh -c 'exit 3'"
    assert everything[1]["SizeRw"] == 4096


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"status": ["exited"]}, ["c", "b"]),
        ({"status": ["exited", "created"]}, ["d", "c", "b"]),
        ({"name": ["^/?[ab]$"]}, ["b", "a"]),
        ({"exited": ["3"]}, ["c"]),
        ({"label": ["tier"]}, ["b", "a"]),
        ({"label": ["tier=db"]}, ["b"]),
        ({"label": {"tier=db": True}}, ["b"]),
        ({"before": ["c"]}, ["b", "a"]),
        ({"since": ["b"]}, ["d", "c"]),
        ({"since": ["a"], "before": ["d"]}, ["c", "b"]),
        ({"network": ["host"]}, ["d"]),
        ({"volume": ["/x"]}, ["d"]),
        ({"id": ["02"]}, ["b"]),
        ({"ancestor": ["nope"]}, []),
        ({"health": ["none"]}, ["d", "c", "b", "a"]),
        ({"health": ["healthy"]}, []),
    ],
)
async def test_filters_of_the_list(api: Api, filters: object, names: list[str]) -> None:
    now = datetime.now(UTC)
    for place, name in enumerate("abcd"):
        labels = {"a": {"tier": "web"}, "b": {"tier": "db"}}.get(name, {})
        host = {"NetworkMode": "host", "Binds": ["/tmp:/x"]} if name == "d" else {}
        container = await api.create(f"{name}{name}", Labels=labels, HostConfig=host)
        container.name = name
        status = {"a": Status.RUNNING, "d": Status.CREATED}.get(name, Status.EXITED)
        finished = now if status is Status.EXITED else None
        container.state = attrs.evolve(
            container.state,
            name=name,
            status=status,
            created_at=now + timedelta(place),
            finished_at=finished,
            exit_code=3 * (name == "c"),
        )
    reply = await api.ask("GET", f"/containers/json?all=1&filters={json.dumps(filters)}")
    assert [entry["Names"][0].removeprefix("/") for entry in reply.json] == names


async def test_limit_shows_the_newest_of_all(api: Api) -> None:
    for name in ("one", "two"):
        await api.create(name)
    assert len((await api.ask("GET", "/containers/json?limit=1")).json) == 1


async def test_top_prints_the_columns_of_ps(api: Api) -> None:
    container = await api.create()
    assert (await api.ask("GET", "/containers/web/top")).status == 409
    await container.start()
    body = (await api.ask("GET", "/containers/web/top")).json
    contract.load().check("GET", "/containers/{id}/top", 200, body)
    assert body["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert body["Processes"][0][6:] == ["00:01:01", "sleep 9"]
    assert (await api.ask("GET", "/containers/web/top?ps_args=--nonsense")).status == 400


async def test_logs_are_framed_and_stamped(api: Api) -> None:
    container = await api.create()
    container.records = [
        LogBatch(1_700_000_000_000_000_001, "stdout", b"out\n"),
        LogBatch(1_700_000_001_000_000_000, "stderr", b"err\n"),
    ]
    reply = await api.ask("GET", "/v1.41/containers/web/logs?stdout=1&stderr=1&tail=5&since=1.5")
    assert reply.headers["Content-Type"] == "application/vnd.docker.raw-stream"
    assert reply.content == b"\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n"
    assert container.calls[-1][1] == {
        "follow": False, "since_ns": 1_500_000_000, "until_ns": None, "tail": 5, "stdout": True, "stderr": True,
    }  # fmt: skip
    stamped = await api.ask("GET", "/containers/web/logs?stdout=1&timestamps=1&tail=all")
    assert stamped.headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    assert stamped.content[8:].startswith(b"2023-11-14T22:13:20.000000001Z out\n")


async def test_a_record_is_a_frame_but_for_clients_that_only_copy(api: Api) -> None:
    container = await api.create()
    container.records = [LogBatch(1, "stdout", b"a\nb\n"), LogBatch(1, "stderr", b"c\n", {"k": "v w", "a": "1"})]
    path = "/containers/web/logs?stdout=1&stderr=1"
    apart = (await api.ask("GET", path)).content
    assert apart == b"\1\0\0\0\0\0\0\2a\n\1\0\0\0\0\0\0\2b\n\2\0\0\0\0\0\0\2c\n"
    together = (await api.ask("GET", path, headers={"User-Agent": "Docker-Client/28.2.2 (linux)"})).content
    assert together == b"\1\0\0\0\0\0\0\4a\nb\n\2\0\0\0\0\0\0\2c\n"
    details = (await api.ask("GET", f"{path}&details=1")).content
    assert details == b"\1\0\0\0\0\0\0\3 a\n\1\0\0\0\0\0\0\3 b\n\2\0\0\0\0\0\0\x0ca=1,k=v+w c\n"


async def test_logs_of_a_terminal_are_raw(api: Api) -> None:
    container = await api.create(Tty=True)
    container.records = [LogBatch(1, "stdout", b"out\r\n")]
    reply = await api.ask("GET", "/containers/web/logs?stdout=1")
    assert (reply.content, reply.headers["Content-Type"]) == (b"out\r\n", "application/vnd.docker.raw-stream")


async def test_logs_need_a_stream(api: Api) -> None:
    await api.create()
    reply = await api.ask("GET", "/containers/web/logs")
    assert (reply.status, reply.message) == (400, "Bad parameters: you must choose at least one stream")


async def test_stats_of_what_does_not_run_are_zeros(api: Api) -> None:
    await api.create()
    body = (await api.ask("GET", "/containers/web/stats?stream=0")).json
    contract.load().check("GET", "/containers/{id}/stats", 200, body)
    assert body["read"] == "0001-01-01T00:00:00Z"


async def test_prune_leaves_what_runs(api: Api) -> None:
    await (await api.create("up")).start()
    down = await api.create("down")
    body = (await api.ask("POST", "/containers/prune")).json
    contract.load().check("POST", "/containers/prune", 200, body)
    assert body == {"ContainersDeleted": [down.id], "SpaceReclaimed": 4096}


async def test_policies_and_health_checks_reach_the_supervisor(api: Api) -> None:
    health = {"Test": ["CMD-SHELL", "true"], "Interval": 2_500_000_000, "Retries": 4}
    policy = {"Name": "on-failure", "MaximumRetryCount": 3}
    body = {"Image": "busybox", "Healthcheck": health, "HostConfig": {"RestartPolicy": policy}}
    reply = await api.ask("POST", "/containers/create?name=web", body)
    assert reply.json["Warnings"] == []
    config = api.supervisor.containers.get("web").config
    assert config.restart == RestartPolicy(name="on-failure", max_retries=3)
    assert config.health == HealthCheck(test=("CMD-SHELL", "true"), interval=2.5, retries=4)
    shown = (await api.ask("GET", "/containers/web/json")).json
    assert (shown["Config"]["Healthcheck"], shown["HostConfig"]["RestartPolicy"]) == (health, policy)


async def test_an_update_has_only_what_was_said_and_shows_in_an_inspect(api: Api) -> None:
    container = await api.create(HostConfig={"Memory": 64 << 20})
    body = {"PidsLimit": -1, "Memory": 96 << 20, "RestartPolicy": {"Name": "always"}}
    reply = await api.ask("POST", "/containers/web/update", body)
    contract.load().check("POST", "/containers/{id}/update", 200, reply.json)
    said = container.calls[-1][1]
    assert said["resources"] == Resources(memory=96 << 20, pids_limit=-1)
    assert said["restart"] == RestartPolicy(name="always")
    host = (await api.ask("GET", "/containers/web/json")).json["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["RestartPolicy"]["Name"]) == (96 << 20, -1, "always")
    assert host["MemorySwap"] == 128 << 20
    refused = await api.ask("POST", "/containers/web/update", {"RestartPolicy": {"Name": "sometimes"}})
    assert (refused.status, "unknown policy" in refused.message) == (400, True)


async def test_health_shows_in_lists_and_in_full(api: Api) -> None:
    container = await api.create()
    result = HealthResult(
        started_ns=1_700_000_000_000_000_000, ended_ns=1_700_000_001_000_000_000, exit_code=1, output="no"
    )
    health = Health(status="unhealthy", failing_streak=3, log=(result,))
    container.state = attrs.evolve(container.state, status=Status.RUNNING, health=health)
    (listed,) = (await api.ask("GET", "/v1.52/containers/json")).json
    assert (listed["Health"], listed["Status"].endswith("(unhealthy)")) == (
        {"Status": "unhealthy", "FailingStreak": 3},
        True,
    )
    assert "Health" not in (await api.ask("GET", "/v1.51/containers/json")).json[0]
    body = (await api.ask("GET", "/containers/web/json")).json
    contract.load().check("GET", "/containers/{id}/json", 200, body)
    assert body["State"]["Health"]["Log"] == [
        {"Start": "2023-11-14T22:13:20Z", "End": "2023-11-14T22:13:21Z", "ExitCode": 1, "Output": "no"}
    ]


async def test_a_container_between_two_runs_counts_as_running(api: Api) -> None:
    container = await api.create()
    container.state = attrs.evolve(container.state, status=Status.RESTARTING, exit_code=3)
    state = (await api.ask("GET", "/containers/web/json")).json["State"]
    assert (state["Status"], state["Running"], state["Restarting"], state["Pid"]) == ("restarting", True, True, 0)
    (listed,) = (await api.ask("GET", "/containers/json")).json
    assert listed["Status"].startswith("Restarting (3) ")
