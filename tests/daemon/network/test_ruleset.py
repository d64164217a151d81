"""From state to packet rules: golden, and the difference between two states is what leads from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from pydockerd.network import ruleset
from pydockerd.network.model import Attachment, Endpoint, Network, Published
from pydockerd.network.options import HOST_IP, ICC, MASQUERADE, NAME, bridge_options
from pydockerd.network.ruleset import SETS, Wired


def wired(
    name: str, *published: Published, internal: bool = False, options: Mapping[str, str] = MappingProxyType({})
) -> Wired:
    network = Network(
        id=name * 8,
        name=name,
        driver="bridge",
        created_ns=1,
        internal=internal,
        options={NAME: f"br-{name}", **options},
    )
    endpoint = Endpoint(
        id=f"e{name}",
        network_id=network.id,
        sandbox=f"s{name}",
        attachment=Attachment(network=name),
        interface="eth0",
        link=f"veth{name}",
        ipv4="10.0.0.2/24",
        ipv6="fd00::2/64",
        published=published,
    )
    return Wired(network, bridge_options(network), (endpoint,))


def shown(*networks: Wired) -> dict[str, list[str]]:
    return {name: sorted(items) for name, items in ruleset.elements(networks).items() if items}


def test_a_network_is_the_name_of_its_bridge_in_some_sets() -> None:
    assert shown(wired("web")) == {
        "bridges": ['"br-web"'],
        "same": ['"br-web" . "br-web"'],
        "guarded": ['"br-web"'],
        "masquerade4": ['"br-web"'],
        "masquerade6": ['"br-web"'],
    }


def test_options_decide_in_which_sets() -> None:
    assert shown(wired("a", internal=True)) == {
        "bridges": ['"br-a"'],
        "same": ['"br-a" . "br-a"'],
        "internal": ['"br-a"'],
    }
    assert shown(wired("b", options={ICC: "false", MASQUERADE: "false"})) == {
        "bridges": ['"br-b"'],
        "same": ['"br-b" . "br-b"'],
        "closed": ['"br-b"'],
        "guarded": ['"br-b"'],
    }
    assert shown(wired("c", options={HOST_IP[4]: "192.0.2.9"}))["snat4"] == ['"br-c" : 192.0.2.9']


def test_a_published_port_is_one_element() -> None:
    found = shown(
        wired(
            "web",
            Published(protocol="tcp", port=80, host_ip="0.0.0.0", host_port=8080),
            Published(protocol="tcp", port=80, host_ip="::", host_port=8080),
            Published(protocol="udp", port=53, host_ip="127.0.0.1", host_port=5300),
        )
    )
    assert found["any4"] == ["tcp . 8080 : 10.0.0.2 . 80"]
    assert found["any6"] == ["tcp . 8080 : fd00::2 . 80"]
    assert found["at4"] == ["127.0.0.1 . udp . 5300 : 10.0.0.2 . 53"]


def test_a_routed_network_opens_ports_and_translates_nothing() -> None:
    mode = {"com.docker.network.bridge.gateway_mode_ipv4": "routed"}
    found = shown(wired("r", Published(protocol="tcp", port=80, host_ip="0.0.0.0", host_port=8080), options=mode))
    assert found["open4"] == ["10.0.0.2 . tcp . 80"]
    assert not {"any4", "masquerade4"} & found.keys()


def test_the_text_replaces_whatever_there_was() -> None:
    text = ruleset.replace("pydockerd-t", ruleset.elements([wired("web")]))
    assert text.startswith("table inet pydockerd-t {}\ndelete table inet pydockerd-t\ntable inet pydockerd-t {\n")
    assert '  set same { type ifname . ifname; elements = { "br-web" . "br-web" }; }\n' in text
    assert "  set closed { type ifname; }\n" in text
    assert text.endswith("}\n}\n")


def test_a_change_deletes_before_it_adds_and_says_nothing_else() -> None:
    old = ruleset.elements([wired("web", Published(protocol="tcp", port=80, host_ip="0.0.0.0", host_port=8080))])
    new = ruleset.elements([wired("web", Published(protocol="tcp", port=81, host_ip="0.0.0.0", host_port=8080))])
    assert ruleset.change("t", old, new) == (
        "delete element inet t any4 { tcp . 8080 : 10.0.0.2 . 80 }\nadd element inet t any4 { tcp . 8080 : 10.0.0.2 . 81 }\n"
    )
    assert ruleset.change("t", new, new) == ""


_states = st.fixed_dictionaries({name: st.frozensets(st.sampled_from(["a", "b", "c"])) for name in SETS})


@given(_states, _states)
def test_a_change_leads_from_one_state_to_the_other(before: ruleset.Elements, after: ruleset.Elements) -> None:
    state = {name: set(items) for name, items in before.items()}
    for line in ruleset.change("t", before, after).splitlines():
        verb, _, _, _, name, items = line.split(maxsplit=5)
        for item in items.strip("{ }").split(", "):
            assert (item in state[name]) is (verb == "delete")
            state[name].symmetric_difference_update({item})
    assert state == after
