"""Tellings and questions by words; and the slower detectors over real HTTP."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.telling import Bench, other_role
from confide.agents import Fault, Model, ModelError, ReplyError, wrap_client
from confide.agents.models.openai import OpenAIClient
from confide.evaluators.detectors import EmbeddedTelling, JudgedTelling, LexicalTelling, labelled_utterances
from confide.scenarios import Fact, Reveal, Role, read_scenarios
from confide.simulator.reading import Met
from confide.simulator.telling import THRESHOLD, FactDetector
from confide.simulator.words import said_in
from tests.fake_server import Answer, FakeServer, Got, completion, refused, said

ROOT = Path(__file__).parent.parent
ITEMS = labelled_utterances()
BENCH = Bench(ITEMS)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
WORDY = st.lists(
    st.sampled_from(
        ["pulse", "dark", "not", "never", "brother", "heart", "I", "?", ".", "don't", "3", "Ünïcode", "心臓が弱い"]
    ),
    max_size=12,
).map(" ".join)
EMBEDDINGS = "/v1/embeddings"


def facts(*texts: str) -> list[Fact]:
    return [Fact(id=f"fact-{number}", text=text, reveal=Reveal.OPENLY) for number, text in enumerate(texts)]


def a_fact(fact_id: str, text: str) -> Fact:
    """A fact of any words, which no scenario file might hold."""
    return Fact.model_construct(id=fact_id, text=text, reveal=Reveal.OPENLY)


def with_cues(text: str, *cues: str) -> Fact:
    """A fact with words by which the other may ask for it."""
    return facts(text)[0].model_copy(update={"about": cues})


NIGHTS = facts(
    "He counts his pulse in the dark.",
    "His older brother died in bed of a weak heart.",
    "The doctor prescribed tablets in spring, and he never collected them.",
)


def told(utterance: str, known: Sequence[Fact] = NIGHTS) -> tuple[str, ...]:
    return tuple(telling.fact for telling in FactDetector(known).told(utterance))


@pytest.mark.parametrize(
    ("utterance", "expected"),
    [
        ("I lie there counting my pulse.", ("fact-0",)),
        ("I LIE THERE COUNTING MY PULSE", ("fact-0",)),
        ("My brother died of his heart.", ("fact-1",)),
        ("In the dark I count my pulse, and my brother died of a weak heart.", ("fact-0", "fact-1")),
        ("In spring I got tablets prescribed, and I never collected them.", ("fact-2",)),
        ("I don\u2019t know\u2026 I count my pulse \u2014 in the dark.", ("fact-0",)),
        ("I don't count my pulse.", ()),
        ("I don\u2019t count my pulse.", ()),
        ("Do you count your pulse in the dark?", ()),
        ("\uff29 count my pulse in the dark\uff0e", ("fact-0",)),
        ("The dark.", ()),
        ("", ()),
        ("?!… —", ()),
    ],
)
def test_tells(utterance: str, expected: tuple[str, ...]) -> None:
    assert set(told(utterance)) == set(expected)


def test_the_better_told_fact_comes_first() -> None:
    tellings = FactDetector(NIGHTS).told("My older brother died in bed of a weak heart, and now I count my pulse.")
    assert [telling.fact for telling in tellings] == ["fact-1", "fact-0"]
    assert tellings[0].score == 1.0 > tellings[1].score >= THRESHOLD


def test_a_fact_within_another_is_told_without_the_other() -> None:
    both = facts("She drinks.", "She drinks vodka at her desk before the morning meeting.")
    assert told("I drink.", both) == ("fact-0",)
    assert "fact-1" in told("Before the morning meeting I drink vodka at my desk.", both)


def test_a_number_is_told_by_no_other_number() -> None:
    owes = facts("He owes his brother 2000 pounds.")
    assert told("I owe him 2000 pounds.", owes)
    assert not told("I owe 200 of them.", owes)
    assert not told("There were 100 of them.", facts("It was a thousand of them."))
    assert told("There were 100 of them.", facts("It was a hundred of them."))


def test_what_both_know_weighs_little() -> None:
    known = "A support line for students before the exam."
    exam = facts("Her exam frightens the students of the support line, and she hid a textbook.")
    line = "This is a support line for students, for exam time."
    assert FactDetector(exam).told(line)
    assert not FactDetector(exam, known).told(line)
    assert FactDetector(exam, known).told("I hid a textbook, and I'm frightened.")


@pytest.mark.parametrize(
    ("fact", "utterance"),
    [
        ("Er versteckt die leeren Flaschen im Keller.", "Ich verstecke leere Flaschen bei uns im Keller."),
        ("Il a caché les bouteilles à la cave.", "J'ai CACHÉ des bouteilles dans la cave"),
        ("彼は薬を飲んでいない。", "薬を飲んでいない"),
        ("Он прячет пустые бутылки.", "Прячу пустые бутылки"),
        ("वह रात को सोता नहीं है।", "मैं रात को सोता नहीं"),
    ],
)
def test_words_of_any_language(fact: str, utterance: str) -> None:
    assert told(utterance, facts(fact)) == ("fact-0",)
    assert told("Something else entirely. Etwas anderes. 別の話", facts(fact)) == ()


@pytest.mark.parametrize("fact", ["She is.", "It was not.", "...", "…", "👻"])
def test_a_fact_without_content_words_is_never_told(fact: str) -> None:
    assert told(fact, facts(fact)) == ()


@pytest.mark.parametrize(
    ("utterance", "expected"),
    [
        ("Do you count your pulse?", ("fact-0",)),
        ("Tell me about your brother and his heart.", ("fact-1",)),
        ("How did the doctor help, and were tablets prescribed?", ("fact-2",)),
        ("how often do you count your pulse", ("fact-0",)),
        ("Your pulse is fine.", ()),
        ("Should I count my pulse?", ()),
        ("You count your pulse. What else do you do?", ()),
        ("How are you?", ()),
        ("", ()),
        ("??", ()),
    ],
)
def test_asks(utterance: str, expected: tuple[str, ...]) -> None:
    assert FactDetector(NIGHTS).asked(utterance) == expected


def test_cues_are_ways_to_ask() -> None:
    cued = FactDetector([with_cues("He counts his pulse in the dark.", "nights", "go to bed")])
    assert cued.asked("What are your nights like?") == ("fact-0",)
    assert cued.asked("When do you go to bed?") == ("fact-0",)
    assert cued.asked("Where do you go?") == ()
    assert cued.asked("Your nights are long.") == ()
    assert cued.told("My nights are long, I go to bed at ten.") == ()


@given(st.lists(ANY_TEXT | WORDY, min_size=1, max_size=4), ANY_TEXT | WORDY, ANY_TEXT | WORDY)
@example(["\ud800", "ß"], "\udfff ß?", "İ")
def test_any_text_gets_an_answer(texts: list[str], utterance: str, known: str) -> None:
    own = [a_fact(str(number), text) for number, text in enumerate(texts)]
    detector = FactDetector(own, known)
    tellings = detector.told(utterance)
    ids = [fact.id for fact in own]
    assert [telling.score for telling in tellings] == sorted((t.score for t in tellings), reverse=True)
    assert all(THRESHOLD <= telling.score <= 1 and telling.fact in ids for telling in tellings)
    assert len({telling.fact for telling in tellings}) == len(tellings)
    assert set(detector.asked(utterance)) <= set(ids)
    again = FactDetector(own, known)
    assert (again.told(utterance), again.asked(utterance)) == (tellings, detector.asked(utterance))
    assert detector.told(utterance) == tellings


@given(st.lists(ANY_TEXT | WORDY, min_size=1, max_size=2), st.lists(WORDY | ANY_TEXT, max_size=4).map(" ".join))
@example(["She hid a textbook."], "Have you hidden the text?")
def test_nothing_is_read_of_words_that_are_met_by_no_fact(texts: list[str], utterance: str) -> None:
    detector = FactDetector([a_fact(str(number), text) for number, text in enumerate(texts)])
    if any(detector.told(utterance)) or any(detector.asked(utterance)):
        assert any(map(detector.meets, said_in(utterance).words))
    met = Met({Role.SEEKER: FactDetector([]), Role.SUPPORTER: detector})
    words = said_in(utterance).words
    for _ in range(2):  # what was looked up before is told the same
        assert [met.any_of([word]) for word in words] == [*map(detector.meets, words)]
        assert met.any_of(words) == any(map(detector.meets, words))


@given(
    st.lists(ANY_TEXT | WORDY, max_size=3),
    ANY_TEXT | WORDY,
    st.sampled_from(["pulse", "Brücke", "心臓", "3rd"]),
    ANY_TEXT,
)
@example([], "not? never", "pulse", "pulse")
def test_a_facts_own_text_tells_it(others: list[str], text: str, word: str, known: str) -> None:
    text = f"{text} {word}"
    own = [a_fact(str(number), each) for number, each in enumerate([text, *others])]
    assert ("0", 1.0) in FactDetector(own, known).told(text)


def test_every_shipped_fact_tells_itself() -> None:
    for loaded in read_scenarios(sorted({item.scenario for item in ITEMS})):
        for side in (loaded.scenario.seeker, loaded.scenario.supporter):
            detector = FactDetector(side.facts, loaded.scenario.situation)
            for fact in side.facts:
                assert detector.told(fact.text)[0] == (fact.id, 1.0)


def test_every_process_gives_the_same_answers() -> None:
    script = (
        "from benchmarks.telling import *\n"
        "b = Bench(labelled_utterances())\n"
        "print([(b._lexical[i.scenario, i.role].told(i.utterance), sorted(b.asked(i))) for i in b.items])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, cwd=ROOT
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_labels_name_real_facts() -> None:
    assert len(ITEMS) >= 240
    scenarios = {loaded.scenario.id: loaded.scenario for loaded in read_scenarios(sorted({i.scenario for i in ITEMS}))}
    assert len(scenarios) >= 8
    for item in ITEMS:
        scenario = scenarios[item.scenario]
        assert set(item.tells) <= {fact.id for fact in scenario.role(item.role).facts}, item
        assert set(item.asks) <= {fact.id for fact in scenario.role(other_role(item.role)).facts}, item


def test_no_scenario_is_in_both_halves() -> None:
    halves = {(item.scenario, item.split) for item in ITEMS}
    assert len(halves) == len({scenario for scenario, _ in halves})
    assert len({item.utterance for item in ITEMS}) == len(ITEMS)


def test_tellings_are_found_as_well_as_was_measured() -> None:
    """Floors, a little under what was measured on scenarios that no threshold was chosen on."""
    counts = BENCH.tells_counts("test")
    assert counts.precision >= 0.9
    assert counts.recall >= 0.76


def test_questions_are_found_as_well_as_was_measured() -> None:
    """Floors, a little under what was measured on scenarios that no threshold was chosen on."""
    counts = BENCH.asks_counts("test")
    assert counts.precision >= 0.85
    assert counts.recall >= 0.85


async def test_the_lexical_detector_behind_the_protocol() -> None:
    lexical = LexicalTelling()
    assert await lexical.tells("I lie there counting my pulse.", NIGHTS) == ("fact-0",)
    assert await lexical.tells("I lie there counting my pulse.", NIGHTS[1:]) == ()


def judge(server: FakeServer, **fields: Any) -> Model:
    client = OpenAIClient("judge", "fake-1", server.url, None, {"temperature": 0})
    return wrap_client(client, "judge")._replace(**fields)


def answer_by_pulse(got: Got) -> Answer:
    fact = got.messages[-1]["content"].splitlines()[0]
    return said(json.dumps({"answer": "TOLD" if "pulse" in fact else "NOT_TOLD"}))


async def test_a_judge_is_held_to_a_schema() -> None:
    async with FakeServer(answer_by_pulse) as server:
        model = judge(server)
        assert await JudgedTelling(model).tells("I lie there counting my pulse.", NIGHTS) == ("fact-0",)
        await model.client.close()
    assert len(server.chats) == len(NIGHTS)
    for got in server.chats:
        schema = got.body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["answer"]["enum"] == ["TOLD", "NOT_TOLD"]
        assert "grammar" not in got.body
        assert "I lie there counting my pulse." in got.messages[-1]["content"]


async def test_a_judge_is_held_to_a_grammar() -> None:
    async with FakeServer(said("NOT_TOLD")) as server:
        model = judge(server, structured="grammar")
        assert await JudgedTelling(model).tells("Hello.", NIGHTS) == ()
        await model.client.close()
    assert {got.body["grammar"] for got in server.chats} == {'root ::= "TOLD" | "NOT_TOLD"'}
    assert not any("response_format" in got.body for got in server.chats)


@pytest.mark.parametrize(
    "answer", ["yes", "TOLD, I think", "told", '{"answer": "MAYBE"}', '{"answer": "TOLD"', "[]", "TOLD TOLD"]
)
async def test_an_unreadable_judgement_is_an_error(answer: str) -> None:
    async with FakeServer(said(answer)) as server:
        model = judge(server, structured="none")
        with pytest.raises(ReplyError):
            await JudgedTelling(model).tells("Hello.", NIGHTS[:1])
        await model.client.close()


async def test_a_judge_that_fails_is_an_error() -> None:
    async with FakeServer(refused(400)) as server:
        model = judge(server)
        with pytest.raises(ModelError):
            await JudgedTelling(model).tells("Hello.", NIGHTS)
        await model.client.close()


def vectors(values: Iterable[Sequence[float]], order: int = 1) -> Mapping[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": list(value)} for index, value in enumerate(values)]
    return {"object": "list", "data": data[::order], "model": "fake-1"}


async def embedded(server: FakeServer, known: Sequence[Fact] = NIGHTS, threshold: float = 0.6) -> tuple[str, ...]:
    detector = EmbeddedTelling(server.url, "fake-1", "sk-1", threshold)
    try:
        return await detector.tells("I count my pulse.", known)
    finally:
        await detector.close()


async def test_embeddings_are_compared() -> None:
    async with FakeServer() as server:
        # The answer's order is not the question's: the index says which text a vector is for.
        server.other[EMBEDDINGS] = Answer(body=vectors([(1, 0), (2, 0.1), (0, 1), (-1, 0)], order=-1))
        assert await embedded(server) == ("fact-0",)
        assert await embedded(server, threshold=-1) == ("fact-0", "fact-1", "fact-2")
    got = server.got[0]
    assert got.body["input"] == ["I count my pulse.", *(fact.text for fact in NIGHTS)]
    assert got.headers["Authorization"] == "Bearer sk-1"


async def test_a_facts_embedding_is_fetched_once() -> None:
    async with FakeServer() as server:
        detector = EmbeddedTelling(server.url, "fake-1", None)
        server.other[EMBEDDINGS] = Answer(body=vectors([(1, 0), (1, 0)]))
        assert await detector.tells("One.", NIGHTS[:1]) == ("fact-0",)
        server.other[EMBEDDINGS] = Answer(body=vectors([(0, 1)]))
        assert await detector.tells("Two.", NIGHTS[:1]) == ()
        await detector.close()
    assert [got.body["input"] for got in server.got] == [["One.", NIGHTS[0].text], ["Two."]]


@pytest.mark.parametrize(
    "answer",
    [
        refused(404),
        refused(500),
        Answer(hang_up=True),
        Answer(body="no JSON"),
        Answer(body=b"[]"),
        Answer(body={"data": None}),
        Answer(body=completion()),
        Answer(body=vectors([(1, 0)])),
        Answer(body=vectors([(1, 0), (1, 0, 0)])),
        Answer(body=vectors([(), ()])),
        Answer(body=b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}'),
        Answer(body={"data": [{"index": 0, "embedding": ["x"]}, {"index": 1, "embedding": [1]}]}),
    ],
)
async def test_an_endpoint_without_embeddings_is_an_error(answer: Answer) -> None:
    async with FakeServer() as server:
        server.other[EMBEDDINGS] = answer
        with pytest.raises(ModelError) as caught:
            await embedded(server, NIGHTS[:1])
    assert isinstance(caught.value.fault, Fault)


async def test_embeddings_of_two_lengths_are_an_error() -> None:
    async with FakeServer() as server:
        detector = EmbeddedTelling(server.url, "fake-1", None)
        server.other[EMBEDDINGS] = Answer(body=vectors([(1, 0), (1, 0)]))
        await detector.tells("One.", NIGHTS[:1])
        server.other[EMBEDDINGS] = Answer(body=vectors([(1,)]))
        with pytest.raises(ModelError):
            await detector.tells("Two.", NIGHTS[:1])
        await detector.close()


async def test_detectors_can_be_asked_at_once() -> None:
    lexical = LexicalTelling()
    lines = [item.utterance for item in ITEMS[:20]]
    assert len(await asyncio.gather(*(lexical.tells(line, NIGHTS) for line in lines))) == 20
