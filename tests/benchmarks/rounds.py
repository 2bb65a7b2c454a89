"""Fair timing: every contender once a round, in turn; medians, and ratios round by round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Run = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Result:
    """The median milliseconds of each contender, and ours over each peer as a ratio."""

    title: str
    milliseconds: Mapping[str, float]
    ratios: Mapping[str, float]


def compare(title: str, contenders: Mapping[str, Run], rounds: int, warm_up: int = 1) -> Result:
    """Time the contenders, the first of which is ours; each gets the number of its round.

    The order rotates, so that no contender always runs after the same other.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            started = perf_counter()
            contenders[name](number)
            elapsed = perf_counter() - started
            if number >= 0:
                seconds[name].append(elapsed)
    ours = seconds[names[0]]
    ratios = {
        name: median(a / b for a, b in zip(ours, seconds[name], strict=True))
        for name in names[1:]
    }
    return Result(title, {name: median(seconds[name]) * 1e3 for name in names}, ratios)


def table(results: list[Result]) -> str:
    """The results as lines of text; a ratio below 1 means that we are ahead."""
    lines = []
    for result in results:
        lines.append(result.title)
        for name, value in result.milliseconds.items():
            ratio = result.ratios.get(name)
            ahead = "" if ratio is None else f"   gradserve takes {ratio:.3g} of it"
            lines.append(f"    {name:<24}{value:>12.3f} ms{ahead}")
    return "\n".join(lines)
