"""The search for events, one event's journey, and the forms that retry dead letters."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from host_agent.clock import now_ms
from host_agent.console.pages.event_search import PAGE, STATES, Asked, asked, row_id
from host_agent.console.pages.journey import can_be_retried, journey, precisely
from host_agent.console.pages.rendering import IN_BACKGROUND, Pages
from host_agent.console.pages.telling import asker_of, content_of, in_short, type_of, value_text
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import ROOT
from host_agent.store import SearchTooSlow, StoredEvent

PATH = f"{ROOT}/events"

_MAX_CHOICES = 500


def event_routes(parts: ConsoleParts) -> list[Route]:
    store, pages = parts.store, Pages(parts)

    def search(request: Request) -> Response:
        what = asked(request.query_params)
        is_live = what.is_first and not what.fields["text"]
        if IN_BACKGROUND in request.headers and not is_live:
            return _shown(request, what, [], is_live=False)
        if what.wanted is None:
            return _shown(request, what, [], is_live=False, status=400)
        try:
            found = store.search(what.wanted)
        except SearchTooSlow as error:
            what.problems.append(str(error))
            return _shown(request, what, [], is_live=False, status=503)
        return _shown(request, what, found, is_live=is_live)

    def _shown(
        request: Request, what: Asked, found: list[StoredEvent], *, is_live: bool, status: int = 200
    ) -> Response:
        events = found[:PAGE]
        return pages.render(
            request,
            "events.html",
            status,
            fields=what.fields,
            refused=what.problems,
            is_live=is_live,
            is_first=what.is_first,
            events=events,
            older=what.older_than(events[-1].id) if len(found) > PAGE else "",
            states=STATES,
            devices=[device.name for device in store.devices()][:_MAX_CHOICES],
            of_all=True,
            type_of=type_of,
            asker_of=asker_of,
            content_of=content_of,
            in_short=in_short,
        )

    def page(request: Request) -> Response:
        found = _event(request)
        if found is None:
            text = (
                "There is no event of that number; what was delivered is kept for some days only."
            )
            return pages.message(request, 404, "No such event", text)
        return pages.render(
            request,
            "event.html",
            event=found,
            has_device=store.device(found.device) is not None,
            steps=journey(found, now_ms()),
            can_be_retried=can_be_retried(found),
            precisely=precisely,
            value_text=value_text,
        )

    def _event(request: Request) -> StoredEvent | None:
        number = row_id(request.path_params["id"])
        return None if number is None else store.event(number)

    def retry(request: Request) -> Response:
        number = row_id(request.path_params["id"])
        count = 0 if number is None else store.retry_dead([number])
        request.state.session.notice = (
            "It will be delivered again." if count else "It is no dead letter that can be sent."
        )
        return RedirectResponse(request.url.path.removesuffix("/retry"), 303)

    def retry_all(request: Request) -> Response:
        """Field `device`: only those of this device."""
        count = store.retry_dead(device=request.state.form.get("device") or None)
        letters = "1 dead letter" if count == 1 else f"{count or 'No'} dead letters"
        why = "" if count else " What a board sent that is no event cannot be."
        request.state.session.notice = f"{letters} will be delivered again.{why}"
        return RedirectResponse(ROOT, 303)

    return [
        Route(PATH, search),
        Route(f"{PATH}/{{id}}", page),
        Route(f"{PATH}/{{id}}/retry", retry, methods=["POST"]),
        Route(f"{ROOT}/dead-letters/retry", retry_all, methods=["POST"]),
    ]
