"""Law 3, of prompts: the log keeps of a call only what is new in its prompt, and the whole prompt can be had from that."""

from hypothesis import given
from hypothesis import strategies as st

from confide.agents import Called, Completion, Place, Segment, View
from confide.agents.view import Begun
from confide.scenarios import Role
from confide.simulator.calls import CallLog

POOL = [Segment(f"utterance:{number}", Place.OTHER, str(number)) for number in range(3)]
SEGMENTS = st.lists(st.sampled_from([*POOL, Segment("utterance:0", Place.OTHER, "0")]), max_size=7).map(tuple)
ANSWER = Completion(
    finish_reason="stop", content="Hello.", usage={"prompt_tokens": 1, "completion_tokens": 1}, cached=False
)


def begun(segments: tuple[Segment, ...]) -> st.SearchStrategy[Begun]:
    """Any of its beginnings, or one that is none of its own: the segments decide."""
    return (st.integers(0, len(segments)).map(lambda size: segments[:size]) | SEGMENTS).map(Begun)


@given(st.data(), st.lists(SEGMENTS, min_size=1, max_size=5))
def test_of_each_prompt_all_that_it_shares_with_the_last_one_is_left_out(data, prompts):
    log = CallLog()
    last: tuple[Segment, ...] = ()
    for segments in prompts:
        view = View(Role.SEEKER, 0, segments, (), data.draw(begun(segments)))
        fields = log.fields("seeker", Called("speak", view, "", 1, ANSWER), None)
        shared = 0
        while shared < min(len(last), len(segments)) and last[shared] == segments[shared]:
            shared += 1
        assert fields["kept"] == shared
        assert [each["hash"] for each in fields["segments"]] == [each.address for each in segments[shared:]]
        last = segments
