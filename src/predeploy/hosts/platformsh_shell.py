"""A hook as a list of simple commands: enough of the shell's grammar to see what would be run.

Nothing is expanded and nothing runs. Where a command stands in a condition, a loop or a function, or feeds
a pipe, its exit status does not decide, and this says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from predeploy.lazy import pattern
from predeploy.record import positional, replace

LIMIT = 200_000
"""Characters of a script that are read; hooks of real apps have some hundred."""

OPERATORS = ("&&", "||", ";;", ";", "|", "&", "\n", "(", ")")
OPENING = frozenset({"if", "while", "until", "for", "case"})
CLOSING = frozenset({"fi", "done", "esac"})
PREFIXES = (
    frozenset({"then", "else", "elif", "do", "!", "{", "time", "exec", "command", "env", "nice"}) | OPENING
)
ASSIGNMENT = pattern(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
HEREDOC = pattern(r"<<-?\s*[\"']?(\w+)[\"']?")
HARMLESS = frozenset({"export", "set", "unset", "echo", "printf", ":", "true", "cd", "}", "{"})
"""Commands whose own failure nobody waits for."""


@positional
class Word:
    """A word of a script, or an operator."""

    text: str
    line: int
    operator: bool = False
    quoted: bool = False


@positional
class Call:
    """One simple command."""

    words: tuple[str, ...]
    """The command and its arguments, quotes removed, assignments in front left out."""
    line: int
    """Line in its script, counted from 1."""
    text: str
    """The whole line as written."""
    errexit: bool
    """Whether ``set -e`` stands before it."""
    plain: bool
    """Whether it stands in no condition, loop, function or pipe, so that its status counts."""
    decides: bool = False
    """Whether the script fails when this command does."""
    unnoticed: bool = False
    """Whether its failure changes nothing although nothing says that it may fail."""

    @property
    def program(self) -> str:
        """Return the command's name without its directory."""
        return self.words[0].rpartition("/")[2]


def words_of(script: str) -> Iterator[Word]:
    """Yield the words and operators of a script; comments and here-documents are left out."""
    return _Scanner(script[:LIMIT]).words()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.line = 1
        self.ends: list[str] = []

    def words(self) -> Iterator[Word]:
        while self.place < len(self.text):
            char = self.text[self.place]
            if char in " \t\r":
                self.place += 1
            elif self.text.startswith("\\\n", self.place):
                self.place, self.line = self.place + 2, self.line + 1
            elif char == "#":
                self._skip_to_line_end()
            elif operator := self._operator():
                yield operator
            else:
                yield self._word()

    def _skip_to_line_end(self) -> None:
        end = self.text.find("\n", self.place)
        self.place = len(self.text) if end < 0 else end

    def _operator(self) -> Word | None:
        found = next((op for op in OPERATORS if self.text.startswith(op, self.place)), None)
        if found is None:
            return None
        word = Word(found, self.line, operator=True)
        self.place += len(found)
        if found == "\n":
            self.line += 1
            self._skip_documents()
        return word

    def _skip_documents(self) -> None:
        for end in self.ends:
            found = re.compile(rf"^\t*{end}$", re.MULTILINE).search(self.text, self.place)
            stop = found.end() if found else len(self.text)
            self.line += self.text.count("\n", self.place, stop)
            self.place = stop
        self.ends = []

    def _word(self) -> Word:
        begin, line, pieces, quoted = self.place, self.line, [], False
        document = HEREDOC.match(self.text, begin)
        if document:
            self.ends.append(document.group(1))
            self.place = document.end()
            return Word(document.group(0), line)
        while self.place < len(self.text):
            char = self.text[self.place]
            if char in " \t\r\n;|()" or (char == "&" and self.text[self.place - 1] not in "<>"):
                break
            if char in "'\"":
                quoted = True
                pieces.append(self._quoted(char))
            elif char == "\\" and self.place + 1 < len(self.text):
                pieces.append("" if self.text[self.place + 1] == "\n" else self.text[self.place + 1])
                self.line += self.text[self.place + 1] == "\n"
                self.place += 2
            elif self.text.startswith(("$(", "${"), self.place):
                pieces.append(self._expansion())
            else:
                pieces.append(char)
                self.place += 1
        return Word("".join(pieces), line, quoted=quoted)

    def _quoted(self, quote: str) -> str:
        begin = self.place + 1
        place = begin
        while place < len(self.text) and self.text[place] != quote:
            place += 2 if quote == '"' and self.text[place] == "\\" else 1
        inner = self.text[begin:place]
        self.line += inner.count("\n")
        self.place = min(place + 1, len(self.text))
        return inner

    def _expansion(self) -> str:
        """Return ``$(…)`` or ``${…}`` as one piece, brackets inside of it counted."""
        opening, closing = self.text[self.place + 1], {"(": ")", "{": "}"}[self.text[self.place + 1]]
        begin, depth = self.place, 0
        while self.place < len(self.text):
            depth += {opening: 1, closing: -1}.get(self.text[self.place], 0)
            self.place += 1
            if depth == 0 and self.place > begin + 2:
                break
        piece = self.text[begin : self.place]
        self.line += piece.count("\n")
        return piece


def calls_of(script: str) -> tuple[Call, ...]:
    """Return the simple commands of a script in order."""
    return _Parser(script).calls()


class _Parser:
    """Groups words into commands and commands into ``&&`` and ``||`` lists."""

    def __init__(self, script: str) -> None:
        self.words = words_of(script)
        self.lines = script.split("\n")
        self.blocks = self.parens = 0
        self.errexit = False
        self.lists: list[list[tuple[Call, str]]] = [[]]

    def calls(self) -> tuple[Call, ...]:
        pending: list[Word] = []
        before = "\n"
        for word in self.words:
            if not word.operator:
                pending.append(word)
                continue
            if word.text == "\n" and not pending and before in ("&&", "||", "|"):
                continue
            self._command(pending, word.text)
            pending, before = [], word.text
        self._command(pending, "\n")
        lists = [entries for entries in self.lists if entries]
        ends = [entries is lists[-1] for entries in lists]
        return tuple(c for entries, end in zip(lists, ends, strict=True) for c in self._weighed(entries, end))

    def _command(self, words: list[Word], after: str) -> None:
        body = self._opened(words) if not (after == "(" and words) else []
        if body:
            texts = tuple(word.text for word in body)
            line = body[0].line
            text = self.lines[line - 1].strip() if line <= len(self.lines) else ""
            call = Call(texts, line, text, self.errexit, plain=not (self.blocks or self.parens))
            self.lists[-1].append((call, after))
            self.errexit = self.errexit or (call.plain and _sets_errexit(texts))
        elif words:
            self.lists[-1].append((Call(("",), words[0].line, "", self.errexit, plain=False), after))
        self.parens = max(0, self.parens + (after == "(") - (after == ")"))
        if after not in ("&&", "||", "|") and self.lists[-1]:
            self.lists.append([])

    def _opened(self, words: list[Word]) -> list[Word]:
        """Return the command without keywords and assignments, and count the blocks these open and close."""
        rest = list(words)
        while rest and not rest[0].quoted:
            text = rest[0].text
            if text in CLOSING or text == "}":
                self.blocks = max(0, self.blocks - 1)
                return []
            self.blocks += text in OPENING or text == "{"
            if text in ("for", "case"):
                return []
            if text not in PREFIXES and not ASSIGNMENT.fullmatch(text):
                break
            rest.pop(0)
        return rest

    def _weighed(self, entries: list[tuple[Call, str]], final: bool) -> list[Call]:
        """Return the calls of one list; only some of them can make the script fail."""
        members = [entry for entry in entries if entry[0].words != ("",)]
        operators = {after for _, after in entries[:-1]}
        weighed = []
        for place, (call, after) in enumerate(members):
            ends_list = place == len(members) - 1
            counts = call.plain and "||" not in operators and after not in ("|", "&", ")")
            decides = counts and ((call.errexit and ends_list) or final)
            unnoticed = counts and not call.errexit and not final
            weighed.append(replace(call, decides=decides, unnoticed=unnoticed))
        return weighed


def _sets_errexit(words: tuple[str, ...]) -> bool:
    if words[0] != "set":
        return False
    return "errexit" in words or any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in words[1:])
