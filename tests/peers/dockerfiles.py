"""Dockerfiles, one for each feature, that dockerd's classic builder and ours build: what comes out is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen


@frozen
class Case:
    """``options`` are for docker build. ``files``: names to contents; a name that ends with ``@`` is a symbolic link, one with ``!`` may be executed."""

    text: str
    files: Mapping[str, str] = field(factory=dict)
    options: Sequence[str] = ()


TREE = {"a.txt": "A", "b.txt": "B", "dir/c.txt": "C", "dir/sub/d": "D", "dir/run!": "#!/bin/sh\n", "dir/link@": "c.txt"}

CASES: Mapping[str, Case] = {
    "nothing": Case("FROM busybox\n"),
    "scratch": Case("FROM scratch\nCOPY a.txt /\nCMD x\n", TREE),
    "copy a file": Case("FROM busybox\nCOPY a.txt /new/name\n", TREE),
    "copy into a directory": Case("FROM busybox\nCOPY a.txt /tmp\n", TREE),
    "copy with a slash": Case("FROM busybox\nCOPY a.txt /new/\n", TREE),
    "copy a directory": Case("FROM busybox\nCOPY dir /new\n", TREE),
    "copy a directory into one": Case("FROM busybox\nCOPY dir /tmp/\n", TREE),
    "copy all": Case("FROM busybox\nCOPY . /all\n", TREE),
    "copy several": Case("FROM busybox\nCOPY a.txt dir b.txt /new/\n", TREE),
    "copy wildcards": Case("FROM busybox\nCOPY *.txt d?r/c* /new/\n", TREE),
    "copy json": Case('FROM busybox\nCOPY ["a b", "/x y/"]\n', {"a b": "1"}),
    "copy to a relative path": Case("FROM busybox\nWORKDIR /w\nCOPY a.txt sub/\nCOPY b.txt .\n", TREE),
    "copy through a link": Case("FROM busybox\nRUN ln -s /tmp /lnk\nCOPY a.txt /lnk/\nCOPY dir /lnk/sub\n", TREE),
    "copy over files": Case("FROM busybox\nCOPY a.txt /x\nCOPY b.txt /x\n", TREE),
    "copy chown": Case("FROM busybox\nCOPY --chown=5:6 dir /new/deep\nCOPY --chown=7 a.txt /x\n", TREE),
    "copy chmod of files": Case("FROM busybox\nRUN true\nCOPY dir/run /x\n", {**TREE, "dir/run!": "y"}),
    "copy from a stage": Case(
        "FROM busybox AS b\nRUN mkdir /o; echo x > /o/y; chmod 600 /o/y\nFROM busybox\nCOPY --from=b /o /p\n"
    ),
    "copy from a stage by number": Case("FROM busybox\nRUN echo x > /o\nFROM busybox\nCOPY --from=0 /o /p\n"),
    "copy from an image": Case("FROM scratch\nCOPY --from=busybox /bin/sh /bin/busybox /bin/\n"),
    "add an archive": Case("FROM busybox\nADD a.txt /new/\nADD dir /new/dir\n", TREE),
    "ignored": Case("FROM busybox\nCOPY . /all\n", {**TREE, ".dockerignore": "*.txt\n!b.txt\ndir/sub\n"}),
    "workdir": Case("FROM busybox\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c\n"),
    "workdir with variables": Case("FROM busybox\nENV d=/x y=z\nWORKDIR $d/$y/${q:-w}\n"),
    "workdir that is there": Case("FROM busybox\nWORKDIR /tmp\n"),
    "env": Case('FROM busybox\nENV A=1 B="two words" C=$A D=a\\ b\nENV E all the rest\nENV A=2 F=$A\n'),
    "env in run": Case("FROM busybox\nENV A=1\nRUN echo $A > /x\n"),
    "arg": Case("ARG v=busybox\nFROM $v\nARG w=1\nARG u\nRUN echo $w $u > /x\n", options=["--build-arg", "u=2"]),
    "arg of a stage": Case("ARG v=1\nFROM busybox\nARG v\nARG w=${v}2\nENV x=$w v2=$v\n"),
    "label": Case('FROM busybox\nLABEL a=b "c d"="e f" g=\'$h\'\n', options=["--label", "z=y"]),
    "expose": Case("FROM busybox\nARG p=9\nEXPOSE 80 $p/udp 100-102\n"),
    "volume": Case('FROM busybox\nVOLUME /a /b\nVOLUME ["/c d"]\n'),
    "user": Case("FROM busybox\nUSER 5:6\nRUN id -u > /tmp/x\n"),
    "cmd": Case("FROM busybox\nCMD echo hi\n"),
    "cmd json": Case('FROM busybox\nCMD ["a", "b c"]\n'),
    "entrypoint resets cmd": Case('FROM busybox\nENTRYPOINT ["e"]\n'),
    "entrypoint and cmd": Case('FROM busybox\nCMD ["c"]\nENTRYPOINT e f\n'),
    "shell": Case('FROM busybox\nSHELL ["/bin/sh", "-xc"]\nRUN echo hi > /x\nCMD a\n'),
    "stopsignal": Case("FROM busybox\nARG s=9\nSTOPSIGNAL $s\n"),
    "healthcheck": Case("FROM busybox\nHEALTHCHECK --interval=5s --timeout=1m --start-period=2s --retries=3 CMD a b\n"),
    "healthcheck none": Case("FROM busybox\nHEALTHCHECK NONE\n"),
    "onbuild": Case("FROM busybox\nONBUILD RUN echo hi\nONBUILD COPY a /b\n"),
    "maintainer": Case("FROM busybox\nMAINTAINER somebody <at@home>\n"),
    "run json": Case('FROM busybox\nRUN ["sh", "-c", "echo $0 > /x", "y"]\n'),
    "run removes": Case(
        "FROM busybox\nRUN rm -r /etc; mkdir /var; ln -s nowhere /var/l; chmod 1777 /var; touch -d @0 /var\n"
    ),
    "run changes nothing": Case("FROM busybox\nRUN true\n"),
    "target": Case("FROM busybox AS one\nENV a=1\nFROM busybox AS two\nRUN exit 1\n", options=["--target", "one"]),
    "comments and continuation": Case("# hi\nFROM busybox\nRUN echo a \\\n# no\n\n  b > /x\n"),
    "escape": Case("# escape=`\nFROM busybox\nENV a=b`\n c=d\n"),
    "hosts": Case(
        "FROM busybox\nRUN grep -c there.example /etc/hosts > /x || true\n",
        options=["--add-host", "there.example:10.0.0.1"],
    ),
    "a base of a stage": Case(
        "FROM busybox AS a\nENV x=1\nRUN echo 1 > /1\nFROM a AS b\nRUN echo 2 > /2\nFROM b\nENV y=$x\n"
    ),
}
