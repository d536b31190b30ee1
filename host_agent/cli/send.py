"""`thingwarden send`"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from host_agent.cli.output import DEFAULT_CONFIG, ConfigPath, UsageError, print_line
from host_agent.cli.store import open_store
from host_agent.config import load_settings
from host_agent.errors import ThingWardenError
from host_agent.securithings import Response, without_secrets
from host_agent.values import Value, parse_value

_TIMEOUT_S = (10.0, 30.0)


class SendError(ThingWardenError):
    """SecuriThings did not take the event."""


def send(
    type: Annotated[str, Parameter(help="The event's TYPE.")],  # noqa: A002
    /,
    *params: Annotated[str, Parameter(help="Its parameters, name=value.")],
    device: Annotated[str, Parameter(help="DEVICE_ID.")],
    device_type: Annotated[
        str | None, Parameter(help="DEVICE_TYPE; that of the device if it is known here.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Post one event to SecuriThings and show the answer: tries out the credentials.

    Example: thingwarden send buttonState pressed=true --device front-door --device-type Lock
    """
    # The client brings requests, which takes longer to import than most commands altogether.
    from host_agent.securithings import SecuriThings

    endpoint = load_settings(config).securithings.endpoint()
    values = [_param(text) for text in params]
    answers: list[Response] = []
    with SecuriThings(
        endpoint.api_key,
        endpoint.api_secret,
        device_type or _known_type(device, config),
        device_id=device,
        url=endpoint.url,
        timeout=_TIMEOUT_S,
    ) as client:
        event = client.create_device_event(type)
        for name, value in values:
            event.add_param(name, value)
        client.send_event(event, answers.append)
    answer = answers[0]
    body = without_secrets(answer.body, endpoint.api_key, endpoint.api_secret)
    if answer.statuscode < 100:
        raise SendError(f"no answer from {endpoint.url}: {body}")
    print_line(f"{answer.statuscode} {body}")
    if not 200 <= answer.statuscode < 300:
        raise SendError(f"SecuriThings did not take the event (HTTP status {answer.statuscode})")


def _known_type(device: str, config: Path) -> str:
    with open_store(config) as store:
        known = store.device(device)
    if known is None:
        raise UsageError(f"there is no device {device} here to take its type: give --device-type")
    return known.type


def _param(text: str) -> tuple[str, Value]:
    """`name=value`"""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text}: a parameter is name=value")
    return name, parse_value(value)
