"""Reads conversations written as lines, as DialoGPT is trained on: messages are parted by ``EOS``.

Two kinds, told apart by what is in the file:

- *numbered*: ``1.0 0 3 words EOS 1.0 1 4 [Label] words``: how much the message is learned from (or, as a whole number,
  the emotion), the role (0 seeks, 1 supports) and the message's number. ESConv's release has one line per supporter
  message, with the few messages before it, so lines overlap; conversations are put together by the numbers.
- *bare*: one line per conversation; a message with a label in brackets is the supporter's, all others the seeker's.

Law: a message is read once, in however many lines it stands. Copies that differ are an error; messages that stand in
no line are named, and lines that do not belong together are never joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from confide.evaluators.exchange.found import ABSENT, BadError, HumanMessage, HumanTalk, Wrong
from confide.scenarios import Role

_NUMBERS = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?) ([01]) ([0-9]{1,4})(?: |$)")
_LABEL = re.compile(r"\[([^\[\]]*)\] ?")
_EOS = re.compile(r" EOS(?: |$)")
# People write "EOS" as well: it parts messages only where the next one's numbers follow, or where the line ends.
_EOS_NUMBERED = re.compile(r" EOS(?: (?=[0-9]{1,9}(?:\.[0-9]+)? [01] [0-9]{1,4}(?: |$))| ?$)")
_BROKEN = re.compile(r" EOS [0-9]+(?:\.[0-9]+| [0-9.-]+)(?: |$)")
"""What looks like a message's numbers and is none: it must not be taken for words."""

_Messages = dict[int, HumanMessage]
"""Messages by their numbers, in order."""


def is_lines(text: str) -> bool:
    """Whether ``text`` is made of such lines."""
    return " EOS" in text or _NUMBERS.match(text.lstrip()) is not None


def read_lines(text: str) -> Iterator[HumanTalk | Wrong]:
    """The conversations of a file, and what is wrong in it.

    Args:
        text: the file's text, with its line ends as they are.
    """
    if text.count("\r\n") == text.count("\n"):  # line ends of Windows; a lone \r is part of the words
        text = text.replace("\r\n", "\n")
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if any(_NUMBERS.match(line) for _, line in lines):
        yield from _numbered(lines)
        return
    for number, line in lines:
        talk = HumanTalk(tuple(_bare(part) for part in _parts(_EOS, line)), {})
        if any(message.role is Role.SUPPORTER for message in talk.messages):
            yield talk
        else:
            what = "no message has a label such as [Question] before its words: it cannot be told who supports"
            yield Wrong(number, "", what)


def _parts(between: re.Pattern[str], line: str) -> list[str]:
    parts = between.split(line)
    return parts[:-1] if len(parts) > 1 and not parts[-1] else parts  # the line may end with EOS


def _bare(part: str) -> HumanMessage:
    label = _LABEL.match(part)
    if label is None:
        return HumanMessage(Role.SEEKER, part, (), {})
    return HumanMessage(Role.SUPPORTER, part[label.end() :], (label[1],), {})


def _numbered(lines: list[tuple[int, str]]) -> Iterator[HumanTalk | Wrong]:
    """Put conversations together from lines that overlap."""
    read: _Messages = {}
    for number, line in lines:
        try:
            found = _messages(line)
            begins = _begins(found, read)
        except BadError as error:
            yield Wrong(number, error.where, error.what)
            continue
        if begins and read:
            yield _talk(read)
        read = found if begins else {**read, **found}
    if read:
        yield _talk(read)


def _talk(read: _Messages) -> HumanTalk:
    absent = [number for number in range(max(read)) if number not in read]
    return HumanTalk(tuple(read[number] for number in sorted(read)), {ABSENT: absent} if absent else {})


def _begins(found: _Messages, read: _Messages) -> bool:
    """Whether a line begins another conversation than the one that is being read.

    A line that begins with message 0 does, unless it holds the last message that was read, and more: the first lines
    of a conversation grow. Any other line goes on where the last one ended, or before that. Only where the seeker wrote
    more messages in a row than a line holds is there a gap: nothing but the seeker's messages leads up to the line's
    last one then, for each of the supporter's would have had a line of its own.

    Args:
        found: the line's messages.
        read: what was read of the conversation before it; may be empty.

    Raises:
        BadError: the line fits nowhere.
    """
    first, last, end = min(found), max(found), max(read, default=-1)
    differs = [number for number in found if number in read and found[number] != read[number]]
    if first == 0 and (last <= end or end not in found or end in differs):
        return True
    if last > end and differs:
        raise BadError(f"message {differs[0]}", "it differs from its copy in an earlier line: which of them is right?")
    if first <= end + 1 and (last > end or found.items() <= read.items()):
        return False
    if any(message.role is Role.SUPPORTER for number, message in found.items() if number != last):
        what = (
            f"the line begins with message {first}, and the lines before it do not lead up to it: lines are missing, "
            "or in another order"
        )
        raise BadError("", what)
    return last <= end or not read


def _messages(line: str) -> _Messages:
    """The messages of one line.

    Raises:
        BadError: a message has no numbers, or they do not rise.
    """
    messages: _Messages = {}
    for part in _parts(_EOS_NUMBERED, line):
        numbers = _NUMBERS.match(part)
        if numbers is None or _BROKEN.search(part):
            raise BadError("", "expected 'weight role number words', parted by ' EOS ', with the role 0 or 1")
        role = Role.SUPPORTER if numbers[2] == "1" else Role.SEEKER
        number, words = int(numbers[3]), part[numbers.end() :]
        if messages and number <= max(messages):
            raise BadError(f"message {number}", "the numbers in a line must rise")
        # A weight is about how a model is trained, and differs between a message's copies; an emotion is the talk's.
        about: dict[str, Any] = {"number": number}
        if "." not in numbers[1]:
            about["emotion"] = int(numbers[1])
        label = _LABEL.match(words) if role is Role.SUPPORTER else None
        labels = (label[1],) if label else ()
        messages[number] = HumanMessage(role, words[label.end() :] if label else words, labels, about)
    return messages
