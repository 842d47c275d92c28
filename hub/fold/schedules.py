"""What a fact changes about the plans of its durable room: entries of the log, and documents of schedules."""

import math
from collections.abc import Iterator

import msgspec

from hub.events import Fact, Kind, ScheduleDetail
from hub.fold.compose import Entry
from hub.fold.household import Household
from hub.ports import Document as Row
from hub.state.capture import Document
from hub.state.schedule import Attended, Plan, Run, schedule_document


class Scheduled(msgspec.Struct, frozen=True):
    """A schedule as it is shown, with what its attendance is computed from."""

    plan: Plan
    attended: Attended
    document: Document
    # Session, from and until: what happens in it in this time is about a meeting of the schedule.
    spans: tuple[tuple[str, float, float], ...]

    def is_like(self, other: "Scheduled | None") -> bool:
        """Whether both are shown alike."""
        return other is not None and (self.attended, self.document) == (other.attended, other.document)

    def row(self) -> Row:
        """Return its document without body and sequence, which are filled in when it is written."""
        name = f"schedules/{self.plan.id}"
        runs = self.attended.runs
        is_over = self.document["status"] == "COMPLETED"
        return Row(
            topic=name,
            collection="schedules",
            parent=name,
            provider=self.plan.provider,
            status=str(self.document["status"]),
            name=self.plan.title,
            room_id=self.plan.room_id,
            began_at=self.plan.starts_at,
            active_at=max((run.end or run.start for run in runs), default=self.plan.starts_at),
            ended_at=max(run.end or 0 for run in runs) if is_over else None,
            over=is_over,
        )


class ScheduleChange(msgspec.Struct, frozen=True):
    """An entry of the log about a schedule; without one when it is over for good."""

    entry: Entry
    shown: Scheduled | None = None


def scheduled(house: Household) -> dict[str, Scheduled]:
    """Return what is planned in a durable room, by id."""
    plans = house.plans
    return {
        identity: _shown(house, plans[identity], runs) for identity, runs in (house.assigned() if plans else {}).items()
    }


def extended(entry: Entry, new: dict[str, Scheduled]) -> Entry:
    """Let an entry about a meeting of a room go to the schedule of this meeting too."""
    its = [f"schedules/{identity}" for identity, one in new.items() if _concerns(one, entry)]
    return msgspec.structs.replace(entry, also=(*entry.also, *its, "schedules")) if its else entry


def schedule_changes(fact: Fact, old: dict[str, Scheduled], new: dict[str, Scheduled]) -> Iterator[ScheduleChange]:
    """Yield an entry for every schedule that is shown differently because of a fact."""
    for identity in sorted(old.keys() | new.keys()):
        if identity in new:
            if not new[identity].is_like(old.get(identity)):
                yield ScheduleChange(_entry(_kind(fact, identity), fact, new[identity].document), new[identity])
        elif not (isinstance(fact.detail, ScheduleDetail) and fact.detail.moved):
            yield ScheduleChange(
                _entry(Kind.SCHEDULE_CANCELLED, fact, {**old[identity].document, "status": "CANCELLED"})
            )


def _entry(kind: Kind, fact: Fact, shown: Document) -> Entry:
    return Entry(kind, f"schedules/{shown['id']}", (), fact, {"schedule": shown})


def _shown(house: Household, plan: Plan, runs: tuple[Run, ...]) -> Scheduled:
    document = schedule_document(plan, house.durable, runs)
    return Scheduled(plan, Attended(plan.expected, runs), document, tuple(_spans(house, runs)))


def _spans(house: Household, runs: tuple[Run, ...]) -> Iterator[tuple[str, float, float]]:
    """Yield for how long each meeting is the last one that began in its session; the first is so from ever on."""
    for run in runs:
        derived = house.derive(run.session)
        begun = [one.start for one in derived.runs] if derived else []
        since = run.start if min(begun, default=run.start) < run.start else -math.inf
        yield run.session, since, min((start for start in begun if start > run.start), default=math.inf)


def _concerns(one: Scheduled, entry: Entry) -> bool:
    """Whether an entry is about a meeting of a schedule; what comes after its end is so until the next one begins."""
    about = entry.subject.partition("/")[2]
    return any(session == about and since <= entry.fact.time < until for session, since, until in one.spans)


def _kind(fact: Fact, schedule: str) -> Kind:
    # A plan that comes or goes may give or take the meetings of another.
    is_its_own = isinstance(fact.detail, ScheduleDetail) and fact.detail.id == schedule
    return fact.kind if is_its_own else Kind.SCHEDULE_UPDATED
