"""What schemathesis cannot know: keys that must be new, and rules that no JSON Schema says.

Ids are not given here: schemathesis takes those that it has read in earlier answers.
"""

import json
import re
from typing import Any
from uuid import uuid4

import schemathesis

RULES = re.compile(
    r"""^(
    # which of the fields together make an input whole
      A\ lead\ needs\ a\ name | A\ contact\ needs\ a\ name | Say\ what\ happened | Say\ when: | Say\ which
    | A\ segment\ has\ either | Name\ (the\ leads|leads\ in|a\ delivery) | If-Match\ and\ “version” | Bands\ begin
    | A\ task\ is\ about | This\ is\ not\ your\ password | Name\ an\ automation | Give\ the\ token
    | Step\ [0-9]+: | A\ (one-shot|holiday) | Following\ up | Rounds\ without
    | Only\ select\ and\ multiSelect | .*the\ working\ day\ begins
    # a place in a list, or in time, that is not there
    | This\ cursor | Pages\ (count|reach) | “asOf”\ is\ a\ past\ moment | happenedAt\ is\ a\ past\ moment
    # what only the organization's forms, fields, providers and operations can tell
    | .*is\ required\.$ | Unknown\ scopes | A\ form\ has | A\ view\ lists | The\ rate\ of | This\ configuration
    | The\ body\ is\ not\ valid\ JSON # of a form's field that holds JSON
    | There\ is\ no\ field | .*is\ no\ field\ to\ fill
    )""",
    re.VERBOSE,
)
"""Refusals of data that fits its schema. Whatever else is refused is a failure."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A well-formed Idempotency-Key is used once."""
    headers = case.headers or {}
    key = headers.get("Idempotency-Key")
    if key and len(key) <= 255:
        headers["Idempotency-Key"] = f"{key[:200]}-{uuid4().hex}"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure is one: data that fits its schema may be refused by one of `RULES`."""
    if failure.code != "ST202" or response.status_code != 400:
        return True
    return RULES.match(json.loads(response.content)["detail"]) is None
