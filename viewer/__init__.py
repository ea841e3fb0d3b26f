"""How a person LOOKS at it: conversations in the terminal. Law: a model's text is shown as text and never obeyed."""

from confide.viewer.terminal import Transcript, visible

__all__ = ["Transcript", "visible"]
