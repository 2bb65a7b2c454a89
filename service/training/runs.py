"""What a training run is asked, what it tells on the way, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from service.training.clipping import Clip
from service.training.states import OptimizerState
from service.training.updates import Array

_SECONDS_BETWEEN_REPORTS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStopping:
    """Stop after `patience` epochs without a loss that is lower by more than `min_delta`."""

    patience: int
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """Stop after an epoch whose gradient's norm or loss is at most this."""

    gradient_norm: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and in which pieces; `batch_size` None: all rows at once."""

    epochs: int
    batch_size: int | None = None
    shuffle: bool = True
    seed: int = 0
    validation_fraction: float = 0.0
    early_stopping: EarlyStopping | None = None
    stop_when: StopWhen = field(default_factory=StopWhen)
    clip: Clip = field(default_factory=Clip)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A line of the history: mean loss of the steps, last gradient's norm before clipping.

    Of 512 and more steps with fewer than 256 rows each, every fourth is measured.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    gradient_norm: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `loss` is that of the last step, `seconds_left` an estimate."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None
    gradient_norm: float | None
    samples_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """All that a run goes on from: `epoch` and `step` are the next to be taken."""

    parameters: Array
    state: OptimizerState
    epoch: int
    step: int
    loss_sum: float
    measured_rows: int
    gradient_norm: float
    history: tuple[Epoch, ...]
    best_loss: float
    best_parameters: Array | None
    epochs_without_gain: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found; `stopped_by`: epochs, early_stopping, stop_when, cancelled."""

    parameters: Mapping[str, Array]
    loss: float | None
    validation_loss: float | None
    gradient_norm: float | None
    epochs: int
    steps: int
    stopped_by: str
    history: tuple[Epoch, ...]


class Clock:
    """When progress is due, how many samples a second, how long it will take.

    `done` is how many epochs were done at the start, with their fraction.
    """

    def __init__(self, rows: int, done: float) -> None:
        self._rows, self._done = rows, done
        self._start = self._last = monotonic()

    def is_due(self) -> bool:
        """Whether so long has passed that a report is due."""
        now = monotonic()
        if now - self._last < _SECONDS_BETWEEN_REPORTS:
            return False
        self._last = now
        return True

    def speed(self, done: float, epochs: int) -> tuple[float, float | None]:
        """Samples per second, and the seconds left if all epochs are run."""
        passed = monotonic() - self._start
        rows = (done - self._done) * self._rows
        if not passed or not rows:
            return 0.0, None
        return rows / passed, max(0.0, epochs - done) * self._rows * passed / rows
