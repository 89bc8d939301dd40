"""Strategies for app trees: the contracts' own files, damaged, mixed and multiplied."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from support.cases import CONTRACT, load_cases

Content = bytes | str | None
Files = dict[str, Content]

FRAGMENTS: tuple[bytes, ...] = (
    b"\0", b"\r", b"\r\n", b"\n", b"\t", b"\x1b[31m", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", "‮".encode(),
    b" ", b"[", b"]", b"{", b"}", b"'", b'"', b'"""', b"\\", b"\\\n", b"#", b"&a ", b"*a", b"<<: *a\n",
    b"!!python/object:x ", b"- ", b": ", b"? ", b"---\n", b"%YAML 9.9\n", b"@", b";", b"==", b"===", b"~=", b"-r ", b"-e ",
    b"-r requirements.txt\n", b"-c ../../etc/passwd\n", b"-r /dev/zero\n", b"--hash=sha256:", b"${VAR}", b"$(", b"`",
    b"<<EOF\n", b"0x", b"1e999", b"9" * 5000, b"1." * 400, b"nan", b"null", b"true", b"[[a]]\n", b"a.b = 1\n", b"=",
    b"!", b"**", b"**/**/", b"[!", b"[a-", b"/", b"../", b"://", b"https://u:p@h/x#egg=a", b"git+ssh://git@h/x",
    b"@ file:///x", b" ; python_version < '3'", b"[extra]", b"def f(", b"async ", b"import a.b\n", b"from . import x\n",
    "\N{ARABIC-INDIC DIGIT THREE}".encode(), "\N{FULLWIDTH DIGIT THREE}.12".encode(), b"python-", b"3.99.99", b"^", b"~>", b"||", b", ", b"*",
)  # fmt: skip


@cache
def seeds() -> tuple[tuple[str, bytes], ...]:
    """Return every file of every contract case, once."""
    found: dict[tuple[str, bytes], None] = {}
    for path in sorted(CONTRACT.glob("*_cases.yaml")):
        for case in load_cases(path):
            for name, content in case.files.items():
                data = content.encode() if isinstance(content, str) else content
                if isinstance(data, bytes) and not data.startswith(b"-> ") and not name.endswith("/"):
                    found[name, data[:20_000]] = None
    return tuple(found)


@cache
def trees() -> tuple[tuple[str, Files], ...]:
    """Return the platform and the files of every contract case."""
    return tuple(
        (case.platform, dict(case.files))
        for path in sorted(CONTRACT.glob("*_cases.yaml"))
        for case in load_cases(path)
        if "" not in case.files
    )


@cache
def names() -> tuple[str, ...]:
    """Return every file name of the contracts."""
    return tuple(sorted({name for name, _ in seeds()}))


def contents(*suffixes: str) -> st.SearchStrategy[bytes]:
    """Return contents of files whose names end so, damaged a little or much, and sheer bytes."""
    known = [data for name, data in seeds() if not suffixes or name.endswith(suffixes)]
    return st.one_of(
        st.builds(_damaged, st.sampled_from(known or [b""]), st.lists(_changes(), max_size=5)),
        st.lists(st.sampled_from(FRAGMENTS), max_size=20).map(b"".join),
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.builds(lambda piece, times: piece * times, st.sampled_from(FRAGMENTS), st.integers(1, 2_000)),
    )


def _changes() -> st.SearchStrategy[tuple[str, float, float, bytes]]:
    where = st.floats(0, 1)
    kinds = st.sampled_from(["insert", "delete", "repeat", "replace", "swap"])
    return st.tuples(kinds, where, where, st.sampled_from(FRAGMENTS))


def _damaged(data: bytes, changes: list[tuple[str, float, float, bytes]]) -> bytes:
    for kind, first, second, fragment in changes:
        start, end = sorted((int(first * len(data)), int(second * len(data))))
        piece = data[start:end]
        middle = {
            "insert": fragment + piece,
            "delete": b"",
            "repeat": piece * 5,
            "replace": fragment,
            "swap": piece[::-1],
        }[kind]
        data = (data[:start] + middle + data[end:])[:50_000]
    return data


def _path_names() -> st.SearchStrategy[str]:
    odd = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12)
    plain = odd.filter(lambda name: name not in (".", ".."))
    return st.one_of(st.sampled_from(names()), plain, plain.map(lambda name: f"d/{name}.py"))


def _entries() -> st.SearchStrategy[Content]:
    links = st.sampled_from(
        ["/etc/passwd", "..", ".", "../x", "nowhere", "requirements.txt", "d", "\n\x1b[31m"]
    )
    return st.one_of(contents(), st.none(), links.map(lambda target: f"-> {target}"))


@st.composite
def files(draw: st.DrawFn) -> Files:
    """Return a tree of a contract, some of its files damaged, others put beside."""
    _, base = draw(st.sampled_from(trees()))
    made: Files = dict(base)
    for name in list(made):
        what = draw(st.integers(0, 9))
        if what < 5 and not name.endswith("/"):
            made[name] = draw(contents(Path(name).name))
        elif what == 9:
            del made[name]
    made.update(draw(st.dictionaries(_path_names(), _entries(), max_size=4)))
    return without_clashes(made)


def without_clashes(made: Files) -> Files:
    """Return the tree without files that lie below another file."""
    directories = {
        "/".join(name.rstrip("/").split("/")[:depth])
        for name in made
        for depth in range(1, name.count("/") + 1)
    }
    return {name: content for name, content in made.items() if name.endswith("/") or name not in directories}
