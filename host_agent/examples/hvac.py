"""An air conditioner, switched by `GET /?power=on`, that has a button too."""

import logging

from host_agent.app import Agent, DeviceEvent, Request, Response

agent = Agent()
log = logging.getLogger(__name__)


@agent.on_request
async def switch(request: Request) -> Response:
    state = request.query.get("power")
    if request.method != "GET" or state not in ("on", "off"):
        return Response(400, "ask for /?power=on or /?power=off\n")
    event = agent.create_external_event("power", request, device="hvac")
    event.set_user_id(request.headers.get("x-user") or request.query.get("user", "anonymous"))
    event.add_param("state", state)
    await agent.send("hvac", "power", state, event=event)
    return Response(200, f"power {state}\n")


@agent.on("buttonState")
def pressed(event: DeviceEvent) -> None:
    log.info("the button of %s: %s", event.device, event.params)
