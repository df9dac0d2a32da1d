"""Who asks what of which shared document, and how that stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aks_operator.keys import Key
from aks_operator.port import Body


@dataclass(frozen=True)
class Result:
    """How a document stood at the end of its last turn."""

    body: Body | None
    settled: bool
    """Whether it is as its shares ask."""
    reason: str = ""
    message: str = ""
    conflicts: Mapping[Key, str] = field(default_factory=dict)
    """Whose share was refused for another's sake, and why."""
    intact: bool = False
    """Whether what is under way is somebody's wish, and no repair: what was served before goes on meanwhile."""


class _Word:
    """A share that is no wish."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


DROP: Final = _Word("DROP")
"""The share of an object that wants nothing (more) of a document."""
ORPHAN: Final = _Word("ORPHAN")
"""Likewise, but what the document stands for is to stay when nobody else asks for it."""


def is_wish(share: object) -> bool:
    """Whether a share asks for anything."""
    return share is not DROP and share is not ORPHAN


Share = Any
"""A frozen dataclass of `desired.exposure`, a record's addresses, DROP or ORPHAN."""


def follows(served: Share, asked: Share) -> bool:
    """Whether `asked` is what was `served`, but for some of the nodes: the others of them go on."""
    if served == asked:
        return True
    if type(served) is not type(asked):
        return False
    for name in ("addresses", "nodes"):
        before, now = getattr(served, name, ()), getattr(asked, name, ())
        if not set(before).isdisjoint(now):
            asked = replace(asked, **{name: before})
    return bool(served == asked)


class Shares:
    """Shares by document. What an object has not (yet) said is unknown: its entries then stay as they are."""

    def __init__(self) -> None:
        self._shares: dict[Key, dict[Key, Share]] = {}
        self._results: dict[Key, Result] = {}
        self._unheard: dict[Key, set[Key]] = {}  # by document, whose word is newer than its last turn
        self._served: dict[Key, dict[Key, Share]] = {}  # by document, what it was settled with since the process began

    def say(self, document: Key, owner: Key, share: Share) -> bool:
        """Set what `owner` asks of `document`; whether that is news."""
        asked = self._shares.setdefault(document, {})
        if owner in asked and asked[owner] == share:
            return False
        asked[owner] = share
        self._unheard.setdefault(document, set()).add(owner)
        return True

    def hear(self, document: Key) -> set[Key]:
        """Whose word is news to the document; from now on it is none: the result that follows tells of it."""
        return self._unheard.pop(document, set())

    def is_unheard(self, document: Key) -> bool:
        """Whether anybody's word is news to the document."""
        return bool(self._unheard.get(document))

    def of(self, document: Key) -> Mapping[Key, Share]:
        """All that is asked of a document."""
        return self._shares.get(document, {})

    def documents_of(self, owner: Key) -> list[Key]:
        """The documents of which an object has asked something since the process began."""
        return [document for document, asked in self._shares.items() if owner in asked]

    def abandoned(self, account: Key) -> list[Key]:
        """The account's documents out of which entries are to be taken, unless that failed."""
        place = f"{account.namespace}/{account.name}"
        return [
            document
            for document, asked in self._shares.items()
            if document.namespace == place
            and not all(map(is_wish, asked.values()))
            and not ((result := self._results.get(document)) and result.reason)
        ]

    def forget(self, owner: Key) -> None:
        """The object is gone, and its entries with it."""
        for document in self.documents_of(owner):
            self.leave(document, owner)

    def leave(self, document: Key, owner: Key) -> None:
        """The object asks nothing of one document any more."""
        self._shares.get(document, {}).pop(owner, None)
        self._unheard.get(document, set()).discard(owner)
        self._served.get(document, {}).pop(owner, None)
        if not self._shares.get(document):
            self._shares.pop(document, None)
            self._results.pop(document, None)
            self._unheard.pop(document, None)
            self._served.pop(document, None)

    def result_for(self, document: Key, owner: Key) -> Result | None:
        """How the document stood last; not settled for an owner whose word was not heard yet."""
        result = self._results.get(document)
        if result is None or owner not in self._unheard.get(document, ()):
            return result
        return replace(result, settled=False, intact=result.settled or result.intact)

    def standing_for(self, document: Key, owner: Key) -> Result | None:
        """Likewise, as it matters to the owner: settled also while it changes for others' sake, or follows the nodes."""
        result = self.result_for(document, owner)
        served = self._served.get(document, {}).get(owner)
        if result is None or result.settled or not result.intact or served is None:
            return result
        return replace(result, settled=follows(served, self.of(document).get(owner)))

    def result(self, document: Key) -> Result | None:
        """How the document stood last, None when it had no turn yet."""
        return self._results.get(document)

    def set_result(self, document: Key, result: Result) -> bool:
        """Remember how it stands; whether that is news."""
        if self._results.get(document) == result:
            return False
        self._results[document] = result
        return True

    def serve(self, document: Key) -> None:
        """The document is settled for everybody whose word was heard."""
        unheard = self._unheard.get(document, set())
        heard = {owner: share for owner, share in self.of(document).items() if owner not in unheard}
        self._served.setdefault(document, {}).update(heard)

    def was_served(self, document: Key, owner: Key) -> bool:
        """Whether the document was ever settled for `owner` since the process began."""
        return owner in self._served.get(document, ())

    def owners(self, document: Key) -> Iterable[Key]:
        """Who shares the document."""
        return list(self._shares.get(document, ()))
