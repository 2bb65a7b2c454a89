"""Steps interned as they are emitted, then given buffers by liveness: the making of a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from service.numeric.plan import Call, Estimate, Plan, Step, Values

_SMALLEST_BUFFER = 4096
_NUMBER = 8


class Slot(NamedTuple):
    """A value of the plan: where it will be, its stored shape, whether it is booleans.

    `is_scattered`: a view whose entries may not lie side by side in memory.
    """

    position: int
    shape: tuple[int, ...]
    is_mask: bool = False
    is_scattered: bool = False

    @property
    def bytes(self) -> int:
        """What its array takes."""
        return prod(self.shape) * (1 if self.is_mask else _NUMBER)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step before its memory is settled.

    `scratch` is what its call allocates beside its output and lets go; `copied` what a view
    allocates where NumPy cannot make it without a copy.
    """

    call: Call
    inputs: tuple[int, ...]
    output: Slot
    takes_out: bool
    is_view: bool
    flops: int
    moved: int
    scratch: int = 0
    copied: int = 0


class Assembly:
    """Collects calls; the same call on the same slots is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Slot] = {}
        self._drafts: list[_Draft] = []
        self._inputs: list[tuple[str, int]] = []
        self._constants: list[tuple[int, Values]] = []
        self._count = 0

    def _new_slot(
        self, shape: tuple[int, ...], *, is_mask: bool = False, is_scattered: bool = False
    ) -> Slot:
        slot = Slot(self._count, shape, is_mask, is_scattered)
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
        is_mask: bool = False,
        scratch: float = 0,
    ) -> Slot:
        """The slot of call(*inputs), which has this shape; `key` names the call.

        `scratch` counts the numbers that the call holds beside its output at the most.
        """
        full_key = (key, *(s.position for s in inputs))
        found = self._known.get(full_key)
        if found is None:
            found = self._known[full_key] = self._new_slot(shape, is_mask=is_mask)
            positions = tuple(s.position for s in inputs)
            moved = 8 * (prod(shape) + sum(prod(s.shape) for s in inputs))
            has_out = isinstance(call, np.ufunc) and not is_mask
            work, held = flops or prod(shape), int(_NUMBER * scratch)
            self._drafts.append(
                _Draft(call, positions, found, has_out, False, work, moved, held)
            )
        return found

    def view(
        self, key: tuple[object, ...], call: Call, source: Slot, shape: tuple[int, ...]
    ) -> Slot:
        """The slot of another view of the same memory; its entries may lie apart."""
        return self._view(key, call, source, shape, is_scattered=True)

    def reshaped(self, source: Slot, shape: tuple[int, ...]) -> Slot:
        """The slot of the same entries in another shape: a copy where they lie apart."""
        if source.shape == shape:
            return source
        call = partial(np.reshape, shape=shape)
        return self._view(
            ("reshape", shape), call, source, shape, is_scattered=source.is_scattered
        )

    def _view(
        self,
        key: tuple[object, ...],
        call: Call,
        source: Slot,
        shape: tuple[int, ...],
        *,
        is_scattered: bool,
    ) -> Slot:
        full_key = (key, source.position)
        found = self._known.get(full_key)
        if found is None:
            found = self._known[full_key] = self._new_slot(
                shape, is_mask=source.is_mask, is_scattered=is_scattered
            )
            is_copy = key[0] == "reshape" and is_scattered and _joins(source.shape, shape)
            copied = found.bytes if is_copy else 0
            self._drafts.append(
                _Draft(call, (source.position,), found, False, True, 0, 2 * copied, 0, copied)
            )
        return found

    def plan(self, outputs: Sequence[tuple[Slot, tuple[int, ...]]]) -> Plan:
        """The plan that computes these slots, memory reused once its values are dead."""
        wanted = {slot.position for slot, _ in outputs}
        drafts = self._needed(wanted)
        owner = self._owners(drafts)
        last_use = _last_uses(drafts, owner, wanted)
        taken = _taken_over(drafts, owner, last_use)
        members: dict[int, list[int]] = {}
        for position, owning in owner.items():
            members.setdefault(owning, []).append(position)
        givers = set(taken.values())
        memory = _Memory()
        steps: list[Step] = []
        for time, draft in enumerate(drafts):
            position = draft.output.position
            memory.run(draft, owner[position], taken.get(position))
            dying = {owner[p] for p in draft.inputs if last_use[owner[p]] == time}
            frees: list[int] = []
            for owning in sorted(dying):
                kept = owning if owning in givers and taken.get(position) != owning else None
                frees += (p for p in members[owning] if p != kept)
                if kept is None:
                    memory.free(owning)
            steps.append(_step(draft, taken.get(position), frees))
        flops, moved = (sum(d.flops for d in drafts), sum(d.moved for d in drafts))
        return Plan(
            slots=self._count,
            inputs=tuple(self._inputs),
            constants=tuple(self._constants),
            steps=tuple(steps),
            outputs=tuple((slot.position, shape) for slot, shape in outputs),
            estimate=Estimate(flops, moved, memory.peak),
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


def _joins(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether a reshape does more than take away or add axes of size 1."""
    return [n for n in before if n != 1] != [n for n in after if n != 1]


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


def _taken_over(
    drafts: Sequence[_Draft], owner: dict[int, int], last_use: dict[int, int]
) -> dict[int, int]:
    """The dead slot whose array each large output is written to, where there is one.

    An entry-by-entry call may write over an input of its own that dies with it.
    """
    free: dict[tuple[int, ...], list[int]] = {}
    shapes: dict[int, tuple[int, ...]] = {}
    taken: dict[int, int] = {}
    for time, draft in enumerate(drafts):
        position, shape = draft.output.position, draft.output.shape
        dying = sorted({owner[p] for p in draft.inputs if last_use[owner[p]] == time})
        is_buffer = draft.takes_out and prod(shape) >= _SMALLEST_BUFFER
        own = (
            [p for p in dying if shapes.get(p) == shape] if draft.call is not np.matmul else []
        )
        if is_buffer:
            if own:
                taken[position] = own[0]
                dying.remove(own[0])
            elif free.get(shape):
                taken[position] = free[shape].pop()
            shapes[position] = shape
        for p in dying:
            if p in shapes:
                free.setdefault(shapes[p], []).append(p)
    return taken


class _Memory:
    """What is held while a plan runs, step by step."""

    def __init__(self) -> None:
        self.peak = 0
        self._live = 0
        self._held: dict[int, int] = {}

    def run(self, draft: _Draft, owner: int, taken: int | None) -> None:
        """Hold what a step makes."""
        made = draft.copied if draft.is_view else draft.output.bytes
        if taken is not None:
            made = 0
            self._held[owner] = self._held.pop(taken)
        self._held[owner] = self._held.get(owner, 0) + made
        self._live += made
        self.peak = max(self.peak, self._live + draft.scratch)

    def free(self, owner: int) -> None:
        """Let go what a slot and its views hold."""
        self._live -= self._held.pop(owner, 0)


def _step(draft: _Draft, taken: int | None, frees: Sequence[int]) -> Step:
    shape = draft.output.shape
    is_buffer = draft.takes_out and prod(shape) >= _SMALLEST_BUFFER
    fresh = shape if is_buffer and taken is None else None
    return Step(draft.call, draft.inputs, draft.output.position, taken, fresh, tuple(frees))
