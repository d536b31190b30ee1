"""What the service says: answers of checks and of events, and notifications (WIRE.md B5, B8, B9).

Every value of an answer is text: several clients cannot take a number.
"""

from tools.sandbox.guardiankey.accounts import Account
from tools.sandbox.guardiankey.event import Attempt
from tools.sandbox.guardiankey.risk import Judgement

_BROWSERS = ("Firefox", "Edg", "Chrome", "Safari", "ThingWarden", "curl")
_SYSTEMS = ("Windows", "Android", "iPhone", "Mac OS", "Linux")


def check_answer(
    attempt: Attempt, judgement: Judgement, event_id: str, event_token: str
) -> dict[str, str]:
    """B5."""
    return {
        "response": judgement.response,
        "response_cache": "0",
        "message": judgement.message,
        "risk": str(judgement.risk),
        "risk_psychometric": "0",
        "risk_intel": "0",
        "risk_context": str(judgement.risk),
        "eventId": event_id,
        "event_token": event_token,
        "generatedTime": str(attempt.time),
        "client_ua": _named(attempt.user_agent, _BROWSERS),
        "client_os": _named(attempt.user_agent, _SYSTEMS),
        "country": "",
    }


def event_answer(attempt: Attempt) -> dict[str, str]:
    """B8: the answer of /getevent."""
    return {
        "USERNAME": attempt.user,
        "LOCATION": "",
        "IPADDRESS": attempt.address,
        "SYSTEM": attempt.service,
        "DATETIME": str(attempt.time),
    }


def notification(
    account: Account, attempt: Attempt, answer: dict[str, str], now: int
) -> dict[str, object]:
    """B9: what the webhook is told; `now` is when, Unix seconds."""
    return {
        "generatedTime": now,
        "message_contextual": answer["message"],
        "userName": attempt.user,
        "agentId": attempt.agent_id,
        "eventId": answer["eventId"],
        "event_token": answer["event_token"],
        "risk_level": {"NOTIFY": "MEDIUM"}.get(answer["response"], "HIGH"),
        "service": attempt.service,
        "clientIP": attempt.address,
        "asn": "",
        "clientReverse": attempt.reverse,
        "client_ua": answer["client_ua"],
        "client_device": "",
        "client_os": answer["client_os"],
        "country": answer["country"],
        "region": "",
        "city": "",
        "country_code": "",
        "latitude": "",
        "longitude": "",
        "risk_value": answer["risk"],
        "authMethod": attempt.auth_method,
        "event_response": answer["response"],
        "message_intel": "",
        "authGroupId": account.auth_group_id,
        "organizationId": account.organization_id,
        "message_psychometric": "",
    }


def _named(user_agent: str, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in user_agent), "")
