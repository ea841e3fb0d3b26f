"""Law 3, of prompts: the log keeps of a call only what is new in its prompt, and the whole prompt can be had from that."""

from hypothesis import given
from hypothesis import strategies as st

from confide.agents import Called, Completion, Place, Segment, View, render
from confide.agents.view import Begun
from confide.scenarios import Role
from confide.simulator.calls import CallLog

POOL = [Segment(f"utterance:{number}", Place.OTHER, str(number)) for number in range(3)]
SEGMENTS = st.lists(st.sampled_from([*POOL, Segment("utterance:0", Place.OTHER, "0")]), max_size=4).map(tuple)
HEADS = st.lists(st.builds(Segment, st.just("persona:seeker"), st.just(Place.HEAD), st.sampled_from("ab")), max_size=2)
ANSWER = Completion(
    finish_reason="stop", content="Hello.", usage={"prompt_tokens": 1, "completion_tokens": 1}, cached=False
)


@st.composite
def grown(draw: st.DrawFn) -> list[tuple[Begun, tuple[Segment, ...]]]:
    """Beginnings, each grown out of any earlier one, with the segments that each must hold."""
    head = tuple(draw(HEADS))
    made = [(Begun.of(Role.SEEKER, head), head)]
    for more in draw(st.lists(SEGMENTS, max_size=5)):
        begun, segments = draw(st.sampled_from(made))
        made.append((begun.plus(Role.SEEKER, more), segments + more))
    return made


@given(grown())
def test_what_grows_out_of_a_beginning_changes_neither_it_nor_what_else_grew_out_of_it(made):
    for begun, segments in made:
        assert View(Role.SEEKER, 0, (), (), begun).segments == segments
        assert render(View(Role.SEEKER, 0, (), (), begun)) == render(View(Role.SEEKER, 0, segments))
        for other, others in made:
            shared = begun.same(other)
            assert segments[:shared] == others[:shared]
            assert (begun == other) == (segments == others)


@given(st.data())
def test_of_each_prompt_all_that_it_shares_with_the_last_one_is_left_out(data):
    log = CallLog()
    last: tuple[Segment, ...] = ()
    prompts = st.lists(st.tuples(st.sampled_from(data.draw(grown())), SEGMENTS), min_size=1, max_size=5)
    for (begun, start), more in data.draw(prompts):
        segments = start + more
        fields = log.fields("seeker", Called("speak", View(Role.SEEKER, 0, more, (), begun), "", 1, ANSWER), None)
        shared = 0
        while shared < min(len(last), len(segments)) and last[shared] == segments[shared]:
            shared += 1
        assert fields["kept"] == shared
        assert [each["hash"] for each in fields["segments"]] == [each.address for each in segments[shared:]]
        last = segments
