"""Steps interned as they are emitted, then given buffers by liveness: the making of a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from service.numeric.plan import Call, Estimate, Plan, Step, Values

_SMALLEST_BUFFER = 4096


class Slot(NamedTuple):
    """A value of the plan: where it will be, its stored shape, whether it is booleans."""

    position: int
    shape: tuple[int, ...]
    is_mask: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    call: Call
    inputs: tuple[int, ...]
    output: Slot
    takes_out: bool
    is_view: bool
    flops: int
    moved: int


class Assembly:
    """Collects calls; the same call on the same slots is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Slot] = {}
        self._drafts: list[_Draft] = []
        self._inputs: list[tuple[str, int]] = []
        self._constants: list[tuple[int, Values]] = []
        self._count = 0

    def _new_slot(self, shape: tuple[int, ...], *, is_mask: bool = False) -> Slot:
        slot = Slot(self._count, shape, is_mask)
        self._count += 1
        return slot

    def input(self, name: str, shape: tuple[int, ...]) -> Slot:
        """The slot of a variable's value."""
        key = ("input", name)
        if key not in self._known:
            self._known[key] = self._new_slot(shape)
            self._inputs.append((name, self._known[key].position))
        return self._known[key]

    def constant(self, key: object, make: Callable[[], Values]) -> Slot:
        """The slot of a literal array, made at most once."""
        full_key = ("constant", key)
        if full_key not in self._known:
            value = make()
            self._known[full_key] = self._new_slot(value.shape)
            self._constants.append((self._known[full_key].position, value))
        return self._known[full_key]

    def number(self, value: float) -> Slot:
        """The slot of a literal number."""
        return self.constant(value, lambda: np.array(value))

    def emit(
        self,
        key: tuple[object, ...],
        call: Call,
        inputs: Sequence[Slot],
        shape: tuple[int, ...],
        *,
        flops: int = 0,
        takes_out: bool = False,
        is_mask: bool = False,
    ) -> Slot:
        """The slot of call(*inputs), which has this shape; `key` names the call."""
        full_key = (key, *(s.position for s in inputs))
        found = self._known.get(full_key)
        if found is None:
            found = self._known[full_key] = self._new_slot(shape, is_mask=is_mask)
            positions = tuple(s.position for s in inputs)
            moved = 8 * (prod(shape) + sum(prod(s.shape) for s in inputs))
            has_out = takes_out and not is_mask
            self._drafts.append(
                _Draft(call, positions, found, has_out, False, flops or prod(shape), moved)
            )
        return found

    def view(
        self, key: tuple[object, ...], call: Call, source: Slot, shape: tuple[int, ...]
    ) -> Slot:
        """The slot of another view of the same memory."""
        full_key = (key, source.position)
        found = self._known.get(full_key)
        if found is None:
            found = self._known[full_key] = self._new_slot(shape, is_mask=source.is_mask)
            self._drafts.append(_Draft(call, (source.position,), found, False, True, 0, 0))
        return found

    def plan(self, outputs: Sequence[tuple[Slot, tuple[int, ...]]]) -> Plan:
        """The plan that computes these slots, buffers reused once their values are dead."""
        wanted = {slot.position for slot, _ in outputs}
        drafts = self._needed(wanted)
        owner = self._owners(drafts)
        last_use = _last_uses(drafts, owner, wanted)
        kept = {owner[p] for p in wanted}
        members: dict[int, list[int]] = {}
        for position, owning in owner.items():
            members.setdefault(owning, []).append(position)
        buffers: list[tuple[int, ...]] = []
        free: dict[tuple[int, ...], list[int]] = {}
        held: dict[int, int] = {}
        steps: list[Step] = []
        live = peak = 0
        sizes: dict[int, int] = {}
        for time, draft in enumerate(drafts):
            dying = {owner[p] for p in draft.inputs if last_use[owner[p]] == time}
            buffer = None
            shape = draft.output.shape
            position = draft.output.position
            if draft.takes_out and prod(shape) >= _SMALLEST_BUFFER:
                buffer = free[shape].pop() if free.get(shape) else len(buffers)
                if buffer == len(buffers):
                    buffers.append(shape)
                if owner[position] not in kept:
                    held[position] = buffer
            if not draft.is_view:
                sizes[position] = 8 * prod(shape)
                live += sizes[position]
                peak = max(peak, live)
            frees = tuple(p for owning in dying for p in members[owning])
            for p in dying:
                live -= sizes.pop(p, 0)
                if p in held:
                    released = held.pop(p)
                    free.setdefault(buffers[released], []).append(released)
            steps.append(Step(draft.call, draft.inputs, position, buffer, frees))
        flops, moved = (sum(d.flops for d in drafts), sum(d.moved for d in drafts))
        estimate = Estimate(flops, moved, peak)
        return Plan(
            slots=self._count,
            inputs=tuple(self._inputs),
            constants=tuple(self._constants),
            steps=tuple(steps),
            buffers=tuple(buffers),
            outputs=tuple((slot.position, shape) for slot, shape in outputs),
            estimate=estimate,
        )

    def _needed(self, wanted: set[int]) -> list[_Draft]:
        needed = set(wanted)
        kept = []
        for draft in reversed(self._drafts):
            if draft.output.position in needed:
                needed.update(draft.inputs)
                kept.append(draft)
        return kept[::-1]

    def _owners(self, drafts: Sequence[_Draft]) -> dict[int, int]:
        """Each slot's owner of memory: itself, or the source of the view that it is."""
        owner = {position: position for _, position in self._inputs}
        owner.update((position, position) for position, _ in self._constants)
        for draft in drafts:
            position = draft.output.position
            owner[position] = owner[draft.inputs[0]] if draft.is_view else position
        return owner


def _last_uses(
    drafts: Sequence[_Draft], owner: dict[int, int], wanted: set[int]
) -> dict[int, int]:
    """The step after which each owner's memory is dead; never, for an output's."""
    last = {}
    for time, draft in enumerate(drafts):
        for position in (*draft.inputs, draft.output.position):
            last[owner[position]] = time
    for position in wanted:
        last[owner[position]] = len(drafts)
    return last
