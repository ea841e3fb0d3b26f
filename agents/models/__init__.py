"""Model clients: the embedded model, any OpenAI-compatible endpoint, any AutoGen client, and a script for tests."""

from confide.agents.models.base import BaseClient, Request
from confide.agents.models.cache import Answers
from confide.agents.models.endpoints import Endpoints
from confide.agents.models.registry import (
    BUILT_IN,
    Model,
    build_model,
    build_models,
    find_model,
    known_models,
    wrap_client,
)
from confide.agents.models.scripted import ScriptedClient, draw_reply
from confide.agents.models.spec import (
    MAY_MOVE,
    AnySpec,
    AutoGenSpec,
    LocalSpec,
    ModelsFile,
    OpenAISpec,
    Price,
    ScriptedSpec,
    changed_fields,
)

__all__ = [
    "BUILT_IN",
    "MAY_MOVE",
    "Answers",
    "AnySpec",
    "AutoGenSpec",
    "BaseClient",
    "Endpoints",
    "LocalSpec",
    "Model",
    "ModelsFile",
    "OpenAISpec",
    "Price",
    "Request",
    "ScriptedClient",
    "ScriptedSpec",
    "build_model",
    "build_models",
    "changed_fields",
    "draw_reply",
    "find_model",
    "known_models",
    "wrap_client",
]
