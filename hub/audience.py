"""Who is live, and what they follow: an event finds those who get it without looking at anybody else."""

from collections.abc import Iterable

from hub.subscriber import Subscriber


class Group:
    """Viewers of exactly the same topics: whatever one is due, all are."""

    __slots__ = ("members", "topics")

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        # Each with the sequence up to which it had been served when it came.
        self.members: dict[Subscriber, int] = {}


class Audience:
    """All groups, by what their members follow."""

    def __init__(self) -> None:
        self._groups: dict[frozenset[str], Group] = {}
        self._by_topic: dict[str, dict[Group, None]] = {}

    @property
    def groups(self) -> tuple[Group, ...]:
        """All of them, as they are now."""
        return tuple(self._groups.values())

    def following(self, topic: str) -> Iterable[Group]:
        """Return the groups that follow exactly a topic."""
        return self._by_topic.get(topic, ())

    def served(self, viewer: Subscriber) -> int | None:
        """Return up to where a viewer had been served when it came; None when it is not live."""
        group = self._groups.get(viewer.grant.topics)
        return group.members.get(viewer) if group else None

    def join(self, viewer: Subscriber) -> None:
        """Let a viewer belong to those who follow what it does."""
        topics = viewer.grant.topics
        group = self._groups.get(topics)
        if group is None:
            group = self._groups[topics] = Group(topics)
            for topic in topics:
                self._by_topic.setdefault(topic, {})[group] = None
        group.members[viewer] = viewer.cursor.sequence

    def leave(self, viewer: Subscriber) -> None:
        """Let a viewer belong to nobody, if it belonged to any."""
        group = self._groups.get(viewer.grant.topics)
        if group is None or group.members.pop(viewer, None) is None or group.members:
            return
        del self._groups[group.topics]
        for topic in group.topics:
            del self._by_topic[topic][group]
            if not self._by_topic[topic]:
                del self._by_topic[topic]
