"""A rule's steps as one line of instructions, so that a run's place in them is a number that outlives any crash."""

from dataclasses import dataclass

from baton.automations.rules.rule import Branch, Step


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step, where it stands in words ("2 yes 1"), and the place that follows it; of a branch also the place if not."""

    path: str
    step: Step
    following: int
    otherwise: int


def program(steps: list[Step]) -> list[Instruction]:
    """All instructions in order. The place behind the last one is the end."""
    line: dict[int, Instruction] = {}
    _lay(line, steps, "", 0, _size(steps))
    return [line[place] for place in range(len(line))]


def _lay(line: dict[int, Instruction], steps: list[Step], before: str, start: int, after: int) -> None:
    """Lay steps out from a place on; behind the last one the run goes on at `after`."""
    place = start
    for number, step in enumerate(steps, start=1):
        path, behind = f"{before}{number}", place + _size([step])
        following = behind if number < len(steps) else after
        if isinstance(step, Branch):
            other = place + 1 + _size(step.then)
            line[place] = Instruction(
                path, step, place + 1 if step.then else following, other if step.otherwise else following
            )
            _lay(line, step.then, f"{path} yes ", place + 1, following)
            _lay(line, step.otherwise, f"{path} no ", other, following)
        else:
            line[place] = Instruction(path, step, following, following)
        place = behind


def _size(steps: list[Step]) -> int:
    return sum(1 + (_size(s.then) + _size(s.otherwise) if isinstance(s, Branch) else 0) for s in steps)
