"""What a case expected against what it did."""

from wattline.rules.case import Case
from wattline.rules.expect import Line, differences
from wattline.rules.play import Story


def failures(case: Case, story: Story) -> list[str]:
    """Lines that say what is other than expected, as a diff; empty if all is well."""
    expected, clock = case.expected, case.clock
    found = []
    if expected.transitions is not None:
        found += _section("transitions", differences(expected.transitions, story.transitions, clock))
    states = [text for line in expected.states for text in _state(case, line, story)]
    found += _section("states", states)
    opened = []
    for at_us, count in expected.open:
        if story.open[at_us] != count:
            at = clock.told(at_us)
            opened += [f"- {at} {count}", f"+ {at} {story.open[at_us]}"]
    found += _section("open", opened)
    if expected.told is not None:
        found += _section("told", differences(expected.told, story.told, clock))
    return found


def _state(case: Case, line: Line, story: Story) -> list[str]:
    """The differences of one line under states; a watch that nothing was heard of is inactive."""
    seen = {
        key: state
        for key, state in story.states[line.at_us].items()
        if line.rule in {"", key[0]} and line.target in {"", key[1]}
    }
    others = [Line(line.at_us, state, *key) for key, state in sorted(seen.items()) if state != line.word]
    if not seen and line.word != "inactive":
        others = [Line(line.at_us, "inactive", line.rule, line.target)]
    if not others:
        return []
    return [f"- {line.text(case.clock)}", *(f"+ {other.text(case.clock)}" for other in others)]


def _section(name: str, lines: list[str]) -> list[str]:
    return [f"{name}: - expected, + seen", *(f"  {line}" for line in lines)] if lines else []
