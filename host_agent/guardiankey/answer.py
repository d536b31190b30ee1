"""What came of one request, whoever did the I/O."""

from dataclasses import dataclass

from host_agent.guardiankey.verdict import Sent, Verdict


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its body bounded."""

    status: int
    body: str


@dataclass(frozen=True)
class NoAnswer:
    """A transport error or a time-out: whether the request arrived is unknown. With `retry` False
    it was not sent, because of the `reason`, and never can be."""

    reason: str
    retry: bool = True


def verdict_of(answer: Answer | NoAnswer) -> Verdict:
    """ERROR with the reason if there is no answer, or none that is a verdict."""
    if isinstance(answer, NoAnswer):
        return Verdict.error(answer.reason, retry=answer.retry)
    return Verdict.from_answer(answer.status, answer.body)


def sent_of(answer: Answer | NoAnswer) -> Sent:
    """Whether the event was taken; not, with the reason, if there is no answer."""
    if isinstance(answer, NoAnswer):
        return Sent(False, answer.reason, answer.retry)
    return Sent.from_answer(answer.status)
