"""What takes the steps of an optimizer, and the optimizer that a request chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.errors import ValidationError
from service.training import updates
from service.training.optimizers import OPTIMIZERS_BY_NAME, Optimizer
from service.training.options import chosen
from service.training.schedules import ChosenSchedule, chosen_schedule
from service.training.states import POINTER, OptimizerState
from service.training.updates import Array, Options


class Updater:
    """Takes the steps of one optimizer over `size` parameters; holds its state.

    Args:
        optimizer: the record.
        options: the value of each of its options.
        size: the number of parameters.
        state: where to go on from; None starts anew.

    Raises:
        ValidationError: the state is of another optimizer or of another size.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        options: Options,
        size: int,
        state: OptimizerState | None = None,
    ) -> None:
        self.kind, self.size, self.steps = optimizer.kind, size, 0
        self._learning_rate = options["learning_rate"]
        self._slots = tuple(slot.name for slot in optimizer.slots)
        self._names = tuple(optimizer.numbers)
        self._state = np.zeros((len(optimizer.slots), size))
        self._numbers = [1.0] * len(optimizer.numbers)
        if state is not None:
            self._restore(state)
        elif "initial_accumulator" in options:
            self._state.fill(options["initial_accumulator"])
        weight_decay = options["weight_decay"]
        is_added = weight_decay > 0 and optimizer.decays == "gradient"
        scratch = np.empty((optimizer.scratch + is_added, size))
        rows = scratch[: optimizer.scratch]
        self._update = optimizer.prepare(options, self._state, self._numbers, rows)
        if is_added:
            self._update = updates.with_gradient_decay(self._update, weight_decay, scratch[-1])
        elif weight_decay > 0:
            self._update = updates.with_parameter_decay(self._update, weight_decay)

    def step(self, parameters: Array, gradient: Array, rate: float | None = None) -> None:
        """Update the parameters in place, at the learning rate where no other is given.

        Both are vectors of float64, shape (size,); the gradient stays as it is. Numbers that
        leave the range of float64 are for the caller to find.
        """
        self.steps += 1
        rate = self._learning_rate if rate is None else rate
        self._update(parameters, gradient, rate, self.steps)

    def state(self) -> OptimizerState:
        """A copy of what is remembered; a later updater goes on from it with the same bits."""
        slots = dict(zip(self._slots, self._state.copy(), strict=True))
        numbers = dict(zip(self._names, self._numbers, strict=True))
        return OptimizerState(self.kind, self.steps, self.size, slots, numbers)

    def _restore(self, state: OptimizerState) -> None:
        if state.kind != self.kind:
            message = f"optimizer_state: found the state of {state.kind}, expected {self.kind}"
            raise ValidationError(message, pointer=POINTER)
        if state.size != self.size:
            message = (
                f"optimizer_state: found the state of {state.size} parameters, "
                f"expected {self.size}"
            )
            raise ValidationError(message, pointer=POINTER)
        self.steps = state.step
        self._numbers[:] = (state.numbers[name] for name in self._names)
        for row, name in zip(self._state, self._slots, strict=True):
            row[:] = state.slots[name]


@dataclass(frozen=True, slots=True)
class ChosenOptimizer:
    """An optimizer with the values of its options, and the schedule of its learning rate."""

    optimizer: Optimizer
    options: Options
    schedule: ChosenSchedule

    @property
    def rule(self) -> str:
        """The update as text of the service's language."""
        return self.optimizer.rule(self.options)

    def rate(self, step: int, epoch: int) -> float:
        """The learning rate of a step, both counted from 0."""
        return self.options["learning_rate"] * self.schedule.factor(step, epoch)

    @property
    def constant_rate(self) -> float | None:
        """The learning rate where it is the same in every step."""
        return self.options["learning_rate"] if self.schedule.is_constant else None

    def updater(self, size: int, state: OptimizerState | None = None) -> Updater:
        """What takes its steps over so many parameters, from a state or anew.

        Raises:
            ValidationError: the state is of another optimizer or of another size.
        """
        return Updater(self.optimizer, self.options, size, state)


def chosen_optimizer(
    given: Mapping[str, object], *, pointer: str = "/optimizer"
) -> ChosenOptimizer:
    """The optimizer of {"kind", "learning_rate", its options, "schedule"}.

    Raises:
        ValidationError: a kind or option is unknown, missing or of another type.
        DomainError: an option is outside its range.
    """
    optimizer, options = chosen(
        "optimizer", OPTIMIZERS_BY_NAME, given, pointer=pointer, others=("schedule",)
    )
    schedule = chosen_schedule(given.get("schedule"), pointer=f"{pointer}/schedule")
    return ChosenOptimizer(optimizer, options, schedule)
