"""WHO speaks: seeker and supporter, the views they speak from, their replies, their prompts and their models.

Law: a prompt is made from a view and from nothing else, and only the utterance leaves an agent as chat.
"""

from confide.agents.agent import Order, RoleAgent, ScriptAgent
from confide.agents.completion import Attempt, Completion, Fault, ModelError
from confide.agents.formats import JSON, TAGGED, AnyReply, ReplyFormat
from confide.agents.messages import AgentNote, Called, Unreadable, ViewMessage
from confide.agents.models import Model, ScriptedClient, build_model, find_model, known_models, wrap_client
from confide.agents.prompts import AUTHOR, Prompt, parse_prompt, read_prompt, shipped_prompt
from confide.agents.reply import Reply, ReplyError, ReplyRules, SeekerReply, SupporterReply
from confide.agents.scripts import ScriptRules
from confide.agents.view import Place, Segment, View, prompt_hash, render, text_hash

__all__ = [
    "AUTHOR",
    "JSON",
    "TAGGED",
    "AgentNote",
    "AnyReply",
    "Attempt",
    "Called",
    "Completion",
    "Fault",
    "Model",
    "ModelError",
    "Order",
    "Place",
    "Prompt",
    "Reply",
    "ReplyError",
    "ReplyFormat",
    "ReplyRules",
    "RoleAgent",
    "ScriptAgent",
    "ScriptRules",
    "ScriptedClient",
    "SeekerReply",
    "Segment",
    "SupporterReply",
    "Unreadable",
    "View",
    "ViewMessage",
    "build_model",
    "find_model",
    "known_models",
    "parse_prompt",
    "prompt_hash",
    "read_prompt",
    "render",
    "shipped_prompt",
    "text_hash",
    "wrap_client",
]
