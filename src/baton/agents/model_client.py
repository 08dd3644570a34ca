"""Reaching a model: any that pydantic-ai knows, or a server of one's own that speaks OpenAI's chat completions. Loaded when needed."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from baton.agents.model import ThinkWith
from baton.kernel.errors import Conflict, Unavailable
from baton.kernel.outbound import Outbound

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.tools import ToolDefinition

SECONDS = 120
LATER = (408, 409, 425, 429)
MISSING = "Models need an extra part: pip install 'baton-crm[models]'."
Maker = Callable[[ThinkWith, Outbound], "Model[Any]"]
makers: dict[str, Maker] = {}
"""Beside what pydantic-ai knows, by what stands before the colon of a model's name."""


def model_of(how: ThinkWith, outbound: Outbound) -> "Model[Any]":
    """The model of an agent. Raises Conflict where its provider is not known or not installed."""
    kind, _, _ = how.model.partition(":")
    if kind in makers:
        return makers[kind](how, outbound)
    try:
        from pydantic_ai.exceptions import UserError
        from pydantic_ai.models import infer_model
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers import infer_provider_class
        from pydantic_ai.providers.openai import OpenAIProvider
    except ImportError as error:
        raise Conflict(MISSING) from error
    if how.base_url is not None:
        outbound.check(how.base_url, plain_http=True)
        # Only addresses that this installation may call, whatever a name server says (BATON_OUTBOUND_ALLOW for one's own network).
        provider = OpenAIProvider(base_url=how.base_url, api_key=how.key or "none", http_client=outbound.connected())
        return OpenAIChatModel(how.model, provider=provider)
    try:
        return infer_model(how.model, lambda name: infer_provider_class(name)(api_key=how.key))  # type: ignore[call-arg]
    except (UserError, ValueError, ImportError, TypeError) as error:
        raise Conflict(f"The model “{how.model}” cannot be used: {error}") from error


async def ask(model: "Model[Any]", messages: "list[ModelMessage]", tools: "list[ToolDefinition]") -> "ModelResponse":
    """A model's next answer. Raises Unavailable where it may answer later, Conflict where it will not."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.exceptions import AgentRunError, ModelHTTPError, UserError
    from pydantic_ai.models import ModelRequestParameters

    wish = ModelRequestParameters(function_tools=tools, allow_text_output=True)
    try:
        async with asyncio.timeout(SECONDS):
            return await model_request(model, messages, model_request_parameters=wish)
    except TimeoutError:
        raise Unavailable(f"The model did not answer within {SECONDS} seconds.") from None
    except ModelHTTPError as error:
        if error.status_code in LATER or error.status_code >= 500:
            raise Unavailable(f"The model's server is busy ({error.status_code}).") from error
        raise Conflict(f"The model's server refused ({error.status_code}). Look at its key and name.") from error
    except (AgentRunError, UserError) as error:
        if "onnect" in str(error):
            raise Unavailable("The model's server cannot be reached just now.") from error
        raise Conflict(f"The model could not be asked: {str(error)[:300]}") from error
    except OSError as error:
        raise Unavailable("The model's server cannot be reached just now.") from error
