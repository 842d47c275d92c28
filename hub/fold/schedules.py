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
    """A plan of a durable room with the meetings that turned out to be it: all that it is shown by."""

    durable: str
    plan: Plan
    attended: Attended

    def document(self) -> Document:
        """Return it as it is shown."""
        return schedule_document(self.plan, self.durable, self.attended.runs)

    def row(self) -> Row:
        """Return its document without body and sequence, which are filled in when it is written."""
        name = f"schedules/{self.plan.id}"
        runs = self.attended.runs
        status = self.document()["status"]
        is_over = status == "COMPLETED"
        return Row(
            topic=name,
            collection="schedules",
            parent=name,
            provider=self.plan.provider,
            status=str(status),
            name=self.plan.title,
            room_id=self.plan.room_id,
            began_at=self.plan.starts_at,
            active_at=max((run.end or run.start for run in runs), default=self.plan.starts_at),
            ended_at=max(run.end or 0 for run in runs) if is_over else None,
            over=is_over,
        )


class ScheduleChange(msgspec.Struct, frozen=True):
    """An entry of the log about a schedule, and how it is shown now; None when it is no more."""

    entry: Entry
    shown: Scheduled | None = None


def scheduled(house: Household) -> dict[str, Scheduled]:
    """Return what is planned in a durable room, by id."""
    plans = house.plans
    return {
        identity: Scheduled(house.durable, plans[identity], Attended(plans[identity].expected, runs))
        for identity, runs in (house.assigned() if plans else {}).items()
    }


def extended(entry: Entry, house: Household, new: dict[str, Scheduled]) -> Entry:
    """Let an entry about a meeting of a room go to the schedule of this meeting too."""
    its = [f"schedules/{identity}" for identity, one in new.items() if _concerns(house, one, entry)]
    return msgspec.structs.replace(entry, also=(*entry.also, *its, "schedules")) if its else entry


def schedule_changes(fact: Fact, old: dict[str, Scheduled], new: dict[str, Scheduled]) -> Iterator[ScheduleChange]:
    """Yield an entry for every schedule that is shown differently because of a fact."""
    for identity in sorted(old.keys() | new.keys()):
        if identity in new:
            if new[identity] != old.get(identity):
                yield ScheduleChange(_entry(_kind(fact, identity), fact, new[identity].document()), new[identity])
        elif fact.kind is Kind.ROOM_ERASED:
            yield ScheduleChange(_entry(Kind.SCHEDULE_ERASED, fact, {"id": identity, "erased": True}))
        elif not (isinstance(fact.detail, ScheduleDetail) and fact.detail.moved):
            yield ScheduleChange(
                _entry(Kind.SCHEDULE_CANCELLED, fact, {**old[identity].document(), "status": "CANCELLED"})
            )


def _entry(kind: Kind, fact: Fact, shown: Document) -> Entry:
    return Entry(kind, f"schedules/{shown['id']}", (), fact, {"schedule": shown})


def _concerns(house: Household, one: Scheduled, entry: Entry) -> bool:
    """Whether an entry is about a meeting of a schedule; what comes after its end is so until the next one begins."""
    about = entry.subject.partition("/")[2]
    runs = [run for run in one.attended.runs if run.session == about]
    return any(since <= entry.fact.time < until for since, until in _spans(house, about, runs))


def _spans(house: Household, session: str, runs: list[Run]) -> Iterator[tuple[float, float]]:
    """Yield for how long each meeting is the last one that began in its session; the first is so from ever on."""
    derived = house.derive(session) if runs else None
    begun = [one.start for one in derived.runs] if derived else []
    for run in runs:
        since = run.start if min(begun, default=run.start) < run.start else -math.inf
        yield since, min((start for start in begun if start > run.start), default=math.inf)


def _kind(fact: Fact, schedule: str) -> Kind:
    # A plan that comes or goes may give or take the meetings of another.
    is_its_own = isinstance(fact.detail, ScheduleDetail) and fact.detail.id == schedule
    return fact.kind if is_its_own else Kind.SCHEDULE_UPDATED
