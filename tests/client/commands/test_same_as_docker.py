"""The same command lines with docker and with pyctl: the same output, the same messages, the same exit code."""

from __future__ import annotations

import shlex

import pytest

from tests.client.commands.conftest import SPEAKS_LIKE, Pair
from tests.client.format.test_templates import EXPRESSIONS
from tests.support.cli_version import needs_cli

pytestmark = [
    pytest.mark.peer,
    needs_cli(SPEAKS_LIKE, "words to compare with"),
]

COMMANDS = r"""
ps
ps -a
ps -as
ps -a --no-trunc
ps -a --format json
ps -a --format 'table {{.ID}}\t{{.Names}}\t{{.Label "a"}}'
ps --format '{{json .}}'
ps --format '{{.Names}} {{upper .Image}} {{.CreatedAt}} {{.Mounts}} {{.Networks}} {{.LocalVolumes}} {{.State}} {{.Ports}}|'
ps --format '{{.Size}}'
ps -f label=a=b --format '{{join (split .Labels ",") "|"}} {{pad .ID 2 3}}|{{truncate .ID 4}} {{println 1 2}}'
ps --format '{{if eq .Names "web"}}yes{{else}}no{{end}} {{printf "%-10s|%q" .Image .Names}}'
ps --format 'table {{.ID}} {{.Names}}'
ps --format table
ps --format raw
ps -a --format ''
ps -aq --no-trunc
ps -q --format json
ps -lq
ps -n 1 --format '{{.Names}}'
ps -qf name=web
ps -f name=nobody
ps --format '{{.Nope}}'
ps --format '{{.ID'
ps --format '{{foo}}'
ps -f foo
ps -f bogus=1
ps -f status=bogus
ps --bogus
ps -x
ps foo
container ls -q
images
images --format json
images --digests
images --no-trunc
images -q
images -q --no-trunc
images -q --format json
images --format '{{.Repository}}:{{.Tag}} {{.CreatedAt}} {{.Size}} {{.Containers}} {{.SharedSize}} {{.Digest}} {{.ID}}'
images --format 'table {{.ID}}\t{{.Repository}}'
images --format raw
images host*
images -a host:latest
images nothing
images -f bogus=x
logs done
logs -t done
logs -f done
logs --tail 1 done
logs -n 0 done
logs --tail foo done
logs --since 10m done
logs --since 1h --until 5m done
logs --since 2013-01-02T13:23:37Z done
logs --until 2013-01-02 done
logs --details done
logs --since foo done
logs made
logs nope
logs
exec web pwd
exec -w /tmp web pwd
exec -u 1:2 web id
exec -e A=1 web sh -c 'echo $A; exit 4'
exec web sh -c 'echo out; echo err >&2'
exec -t web tty
exec -d web true
exec -d web nosuch
exec web nosuch
exec web /etc/passwd
exec -it web sh
exec --env-file /nope web true
exec made true
exec nope true
exec web
run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
run --rm -w /tmp busybox pwd
run --rm -u 12:34 busybox id
run --rm -h foo busybox hostname
run --rm -e A=1 busybox sh -c 'echo $A'
run --rm --read-only busybox touch /x
run --rm --entrypoint echo busybox a b
run --rm --cap-drop ALL busybox grep Cap /proc/self/status
run --rm --cap-add SYS_ADMIN busybox grep Cap /proc/self/status
run --rm --privileged busybox grep CapEff /proc/self/status
run --rm -v /etc/hostname:/foo:ro busybox cat /foo
run --rm --mount type=bind,src=/etc,dst=/x,ro busybox ls -d /x/passwd
run --rm --tmpfs /x:size=1m busybox df /x
run --rm --init busybox sh -c 'test $$ -ne 1'
run --rm -t busybox tty
run --rm -it=false busybox tty
run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n'
run --rm --network none busybox ls /sys/class/net
run --rm --log-driver none busybox echo hi
run --rm -a stdout busybox sh -c 'echo out; echo err >&2'
run --rm busybox nosuch
run --rm busybox /etc/passwd
run --rm busybox /tmp
run --rm -v /etc/hostname:/foo:bogus busybox true
run --rm --name web busybox true
run --rm --name 'a b' busybox true
run --rm -m 1 busybox true
run --rm -m 1x busybox true
run --rm --cpus foo busybox true
run --rm --ulimit foo busybox true
run --rm --mount foo busybox true
run --rm --restart always busybox true
run --rm --restart foo busybox true
run --rm --security-opt foo busybox true
run --rm --env-file /nope busybox true
run --rm --cidfile /nope/x busybox true
run --rm --cidfile /etc/passwd busybox true
run --rm --stop-timeout x busybox
run --rm --log-driver none --log-opt a=b busybox
run --pull foo busybox
run --pull never nosuch
run -it busybox true
run -d -a stdout busybox true
run --name
run --bogus busybox
run BAD
run a:b:c
run
create BAD
create --pull foo busybox
create --cidfile /nope/x busybox true
create --name web busybox
create --restart foo busybox
create
inspect web
inspect web made busybox
inspect -f json web
inspect -f '{{.Name}}' web made
inspect -f '{{.State.Running}} {{.State.Pid}} {{.Config.Cmd}} {{.Config.Labels}} {{.Config.Entrypoint}} {{.HostConfig.PortBindings}} {{.HostConfig.Init}} {{.HostConfig.RestartPolicy}}' web made
inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' web
inspect -f '{{.SizeRw}}' web
inspect --type image busybox -f '{{.RepoTags}} {{.Id}} {{.Size}} {{.Architecture}}'
inspect nope
inspect web nope made -f '{{.Name}}'
inspect --type container nope
inspect --type image nope
inspect --type foo nope
container inspect web -f '{{.Name}}'
container inspect nope -f '{{.Name}}'
image inspect nope
inspect -f '{{.Nope}}' web
inspect -f '{{.State.Nope}}' web
inspect -f '{{' web
inspect -f '{{nope .Name}}' web
inspect -f '{{if .Name}}' web
inspect -f '{{range .Name}}{{end}}' web
inspect -f '{{index .Config.Env 99}}' web
inspect
start nope made2
start -a made web
start -a nope
start
stop nope
stop -t x web
stop
kill nope
kill made
kill -s FOO web
rm nope web
rm -f nope
wait nope
wait done
attach made
attach nope
attach a b
top web
top web -o pid,cmd
top made
top nope
pause made
unpause web
rename nope x
rename web
restart nope
port web
port web 80
port nope
stats --no-stream --format json made
stats --no-stream --no-trunc --format '{{.Name}} {{.ID}} {{.Container}} {{.PIDs}}' web made
stats --no-stream nope
events --since 1h --until 0s -f container=done
events --since 1h --until 0s -f container=done --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Time}} {{.TimeNano}} {{.Scope}} {{json .Actor.Attributes}} {{.ID}} {{.Status}} {{.From}}'
events --format '{{.Nope}}'
events --format '{{'
events -f foo
events --since foo
update --pids-limit 100 web
update --restart no web made
update --restart on-failure:x web
update --restart foo web
update --memory 1 web
update --cpus 1000 web
update -m 10x web
update --cpu-shares 512 nope web
update --bogus web
update web
update
run --rm --health-cmd true --health-interval 1s busybox true
run --rm --health-cmd true --health-interval foo busybox true
run --rm --health-timeout 5 busybox true
run --rm --health-interval -1s busybox true
run --rm --health-interval 1us --health-cmd true busybox true
run --rm --no-healthcheck --health-cmd true busybox true
run --rm --no-healthcheck busybox true
run --rm --log-driver local busybox echo hi
run --rm --log-driver local --log-opt labels=a busybox echo hi
run --rm --log-opt max-file=2 busybox echo hi
version --format '{{.Server.Version}} {{.Server.APIVersion}}'
version --format '{{.Nope}}'
version -f '{{'
version foo
info --format '{{.Driver}} {{.CgroupVersion}} {{.NCPU}} {{.MemTotal}} {{json .Runtimes}}'
info --format '{{.Nope}}'
info -f '{{'
import /nope
import -c 'FOO x' /dev/null
import /etc/passwd BAD:x
load -i /nope
load -i /etc/passwd
tag busybox Bad
tag busybox
tag nope x
rmi nope
rmi -f nope
rmi web
rmi
history busybox
history -q busybox
history --no-trunc --format json busybox
history nope
pull nope
pull -q nope:x
pull Bad
save nope
save
volume create kept
volume create --label a=b kept2
volume create -o type=tmpfs -o device=tmpfs -o o=size=1m ram
volume create a
volume create a/b
volume create -o x=y kept3
volume create -d nope kept3
volume create --name a2 a3
volume ls
volume list -q
volume ls --format json
volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels}} {{.Links}} {{.Size}} {{.Label "a"}}|{{.Availability}} {{.Group}} {{.Status}}'
volume ls --format 'table {{.Name}}\t{{.Labels}}'
volume ls --format raw
volume ls -f label=a=b
volume ls -qf name=kept
volume ls -f dangling=true
volume ls -f bogus=1
volume ls foo
volume inspect kept kept2
volume inspect nope kept
volume inspect -f '{{.Name}} {{.Options}} {{.Labels}}' ram
volume inspect
volume rm nope
volume rm -f nope
volume rm
volume prune -f
volume prune -af --filter all=1
volume prune -f --filter label=nope
volume prune
volume bogus
volume rm --bogus
inspect kept -f '{{.Name}}'
inspect --type volume kept2
inspect --type volume nope
inspect --type network nope
run --rm --network none -v kept:/x busybox ls -d /x
run --rm --network none -v kept:/x:bogus busybox true
run --rm --network none -v kept:x busybox true
run --rm --network none -v a/b:/x busybox true
run --rm --network none --mount src=kept,dst=/x busybox ls -d /x
run --rm --network none --mount type=volume,src=kept,dst=/x,volume-subpath=../y busybox true
run --rm --network none --mount type=volume,src=kept,dst=/x,volume-subpath=nope busybox true
run --rm --network none --mount type=bind,src=/etc,dst=/x,volume-nocopy busybox true
run --rm --network none --mount type=bind,src=/etc,dst=/x,bind-recursive=bogus busybox true
run --rm --network none --mount type=bind,src=/etc,dst=/x,bind-recursive=readonly busybox true
run --rm --network none --mount type=bind,src=/nowhere,dst=/x busybox true
run --rm --network none --mount type=bogus,src=/etc,dst=/x busybox true
run --rm --network none --volumes-from nope busybox true
run --rm --network none --volumes-from web busybox ls -d /data
run --rm --network none -v kept:/x -v kept2:/x busybox true
system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
network ls -f driver=host
network ls -qf name=host
network ls --no-trunc -f name=none
network ls --format json -f name=host
network ls --format '{{.ID}} {{.Name}} {{.Driver}} {{.Scope}} {{.IPv4}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.CreatedAt}}|' -f driver=null
network ls --format raw -f driver=null
network ls -f bogus=1
network inspect host none
network inspect nope host
network inspect -f '{{.Name}} {{.Driver}} {{.Options}}' host
network inspect
network rm nope host
network rm -f nope
network rm
network create
network create host
network create --subnet 10.9.0.0/99 nope2
network create --subnet 10.9.0.0/16 --gateway 10.10.0.1 nope2
network create --gateway 10.10.0.1 nope2
network create --subnet 10.9.0.0/16 --subnet 10.9.3.0/24 nope2
network create -d nope nope2
network connect nope web
network connect host web
network connect host
network disconnect nope web
network disconnect host nope
network bogus
bogus
--bogus
container bogus
"""


@pytest.mark.parametrize("line", COMMANDS.strip().splitlines())
def test_same(pair: Pair, line: str) -> None:
    pair.compare(*shlex.split(line))


def test_stats(removing: Pair) -> None:
    """Of one to whom no bridge sends anything between the two."""
    removing.ok("run", "-d", "--name", "still", "--network", "none", "busybox", "sleep", "1000")
    removing.compare("stats", "--no-stream", "still")


def test_templates(pair: Pair) -> None:
    """What test_templates expects of templates is what Go prints. All of them at once: a command takes its time."""
    template = "\n".join(expression for expression, _ in EXPRESSIONS)
    outcome = pair.compare("inspect", "-f", template, "web")
    assert outcome.out == "\n".join(expected for _, expected in EXPRESSIONS) + "\n"


@pytest.mark.parametrize("flags", [(), ("-i",)])
def test_standard_input(pair: Pair, flags: tuple[str, ...]) -> None:
    run = pair.compare("run", "--rm", *flags, "busybox", "cat", input="one\ntwo\n")
    assert run.out == ("one\ntwo\n" if flags else "")
    exec_ = pair.compare("exec", *flags, "web", "cat", input="one\ntwo\n")
    assert exec_.out == ("one\ntwo\n" if flags else "")


def test_info(pair: Pair) -> None:
    """The client's part has its own version, the daemon's part is the same."""
    theirs, ours = (tool("info").stdout.partition("Server:")[2] for tool in (pair.daemon.docker, pair.daemon.pyctl))
    assert ours == theirs
    assert "Storage Driver:" in ours


def test_version(pair: Pair) -> None:
    theirs, ours = (tool("version").stdout.partition("Server:")[2] for tool in (pair.daemon.docker, pair.daemon.pyctl))
    assert ours == theirs
    assert "pyrunc" in ours
