"""Reports: the page says what the functions found, escapes what it was given, and stands alone."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from confide.agents.models import known_models
from confide.evaluators.analysis import analyse
from confide.evaluators.disclosure import disclosure, facts_told
from confide.evaluators.exchange import import_esconv
from confide.evaluators.human import human_figures
from confide.evaluators.profiles import profile
from confide.evaluators.readings import figures, read_readings, talks_of
from confide.evaluators.report import make_report, page, write_files
from confide.evaluators.report.gather import gather
from confide.evaluators.report.latex import escape_latex
from confide.evaluators.report.methods import paragraph
from confide.evaluators.report.parts import Figure, Table, of_interval
from confide.evaluators.report.pdf import has_pdf, pdf
from confide.evaluators.talks import events_of, talk_of
from confide.evaluators.traits import trait_reports
from confide.scenarios import ConfideError
from confide.scenarios.experiments import read_experiment
from confide.simulator import RunFolder, Wishes, measure_folders, plan_run, run_conversations
from tests.helpers import ESCONV
from tests.report_helpers import HOSTILE, checked, parts_of
from tests.test_exchange import TALK
from tests.test_sample import SAMPLE

LABEL = HOSTILE.replace("[", "(")
EXPERIMENT = """\
id: knows
title: Does it matter who knows?
question: Does it?
scenarios: [exam-panic, awake-at-three]
conditions: [partial, omniscient]
replicates: 3
turns: 6
analysis:
  contrasts: [{id: all-less-own, one: omniscient, other: partial}]
  outcomes:
    - {id: questions, of: talk.questions, family: talk, equivalence: 0.2}
    - {id: told, of: telling.seeker.told, family: telling}
"""


def played(folder, text=EXPERIMENT, seed=0):
    """A run of an experiment's file on the scripted model."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "knows.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = read_experiment(file)
    wishes = Wishes("scripted", 3, 6, seed, ("confide", "run", str(file)), loaded.conditions, loaded)
    record, models = plan_run(loaded.scenarios, known_models(), wishes)
    run = RunFolder.create(folder / "runs", record)
    asyncio.run(run_conversations(run, models, lambda *_: None))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two conditions whose conversations differ: those of the second were drawn by another seed."""
    folder = tmp_path_factory.mktemp("report")
    one, other = played(folder / "one"), played(folder / "other", seed=5)
    for log in other.path.glob("conversations/*omniscient*"):
        shutil.copy(log, one.path / "conversations")
    return one


@pytest.fixture
def copied(run, tmp_path):
    path = tmp_path / "copy"
    shutil.copytree(run.path, path)
    return RunFolder.open(path)


def with_record(run, **fields):
    """The run with other fields in its run.json."""
    record = run.record.model_copy(update=fields)
    (run.path / "run.json").write_text(record.model_dump_json(), encoding="utf-8")
    return RunFolder.open(run.path)


def test_the_page_is_whole_and_stands_alone(run):
    report = make_report([run])
    text = checked(report)
    assert [section.id for section in report.sections] == ["methods", "contrasts", "strategies", "telling", "cost"]
    assert text.index('id="warnings"') < text.index("<h1>")


def test_strategies_are_those_of_profiles(run):
    found = parts_of(make_report([run]), Figure)["fig-strategies"].numbers.rows
    for arm in ("partial", "omniscient"):
        talks = [talk for talk in map(talk_of, events_of(run)) if talk.condition == arm]
        expected = profile(talks, ESCONV.labels, human_figures())
        rows = {row[0]: row[2:] for row in found if row[1] == arm}
        for index, label in enumerate(ESCONV.labels):
            for fifth in range(5):
                value = expected.by_fifth[fifth][index]
                assert rows[label][fifth].value == (None if value is None else pytest.approx(100 * value))
    people = {row[0]: row[2].value for row in found if row[1] == "people (ESConv)"}
    assert people["Question"] == pytest.approx(100 * human_figures().fifths[0]["Question"])


def test_telling_is_that_of_disclosure(run):
    rows = [row for events in events_of(run) for row in facts_told(events)]
    figure = parts_of(make_report([run]), Figure)["fig-telling"]
    shown = {(row[0], row[1]): row for row in figure.numbers.rows}
    for each in disclosure(rows):
        row = shown[each.condition, each.role.value]
        assert row[3] == each.told.n
        for cell, share in zip(row[4:], each.by_fifth, strict=True):
            assert cell == of_interval(share.value, share.interval, 1, 100, "nothing to take a share of")


def test_contrasts_are_those_of_the_analysis_that_the_run_began_with(run):
    report = make_report([run])
    found = analyse(run, run.record.experiment.resolved.analysis)
    tables = parts_of(report, Figure)
    assert [len(tables[f"fig-contrasts-{number}"].numbers.rows) for number in (1, 2)] == [1, 1]
    for test, name in zip(found.tests, ("fig-contrasts-1", "fig-contrasts-2"), strict=True):
        (row,) = tables[name].numbers.rows
        difference = test.figures.difference
        assert row[:3] == [test.outcome, "all-less-own", test.pairs]
        assert row[5][:3] == (difference.mean, difference.low, difference.high)
        assert (row[6].value, row[7].value) == (test.figures.p, test.adjusted.adjusted)
    assert tables["fig-contrasts-1"].numbers.rows[0][8].value == 0.2
    text = page(report)
    assert "The analysis was written down before the run." in text
    assert tables["fig-contrasts-1"].numbers.rows[0][5].text in text
    assert "f-ink" in tables["fig-contrasts-1"].svg
    assert "f-ink" not in tables["fig-contrasts-2"].svg


def test_readers_traits_and_judges_are_shown_as_their_functions_found_them(copied, confide):
    for rubric in ("empathy", "strategies", "traits"):
        assert confide("score", copied.path, "--with", rubric, "--model", "scripted")[0] == 0
    assert confide("judge", copied.path, "--with", "empathy", "--model", "scripted")[0] == 0
    report = make_report([copied], floor=0)
    checked(report)
    tables = parts_of(report, Table)
    folder = next(each for each in measure_folders(copied) if each.record.measure == "empathy")
    expected = {(each.item, each.condition): each for each in figures(read_readings(folder, talks_of(copied)))}
    for row in tables["scores-1"].rows:
        each = expected[row[0], row[1]]
        assert (row[4].value, row[5], row[6]) == (each.mean, each.conversations, each.answers)
    (traits,) = trait_reports(copied, 0)
    assert len(tables["drift-1"].rows) == len(traits.drift)
    shown = {tuple(row[:4]): row for row in tables["drift-1"].rows}
    for each in traits.drift:
        source = "self" if each.source == "self" else "observer (scripted)"
        row = shown[each.condition, each.role.value, source, each.factor.replace("_", " ")]
        assert (row[4], row[7].value) == (each.drift.n, each.drift.mean)
    ids = [section.id for section in report.sections]
    assert ids == ["methods", "contrasts", "strategies", "drift", "telling", "scores", "agreement", "cost"]
    assert {"declared-2", "verdicts-1"} <= tables.keys()
    closed = page(make_report([copied]))
    assert "there is nothing to draw" in closed
    assert "no scores" not in closed or "alpha" in closed


def test_tokens_are_summed_by_purpose_and_unreported_ones_said(run):
    (each,) = gather([run]).runs
    calls = sum(made.calls for made in each.calls.values())
    assert calls == sum(event.kind == "called" for events in events_of(run) for event in events)
    report = make_report([run])
    by_purpose = parts_of(report, Figure)["fig-tokens"].numbers
    by_condition = parts_of(report, Table)["tokens-by-condition"]
    assert [row[:3] for row in by_purpose.rows] == [["speaking", "turns", "supporter"], ["speaking", "turns", "seeker"]]
    assert {row[0] for row in by_condition.rows} == {"partial", "omniscient"}
    for table in (by_purpose, by_condition):
        place = table.columns.index("calls")
        assert sum(row[place] for row in table.rows) == calls


METHODS = """\
Conversations were simulated in 2 scenarios (exam-panic, awake-at-three) and 2 conditions (partial, omniscient), \
3 replicates of each. Conversations planned: 12; finished: 12 (ended by: ENDS); under way or interrupted: 0. \
A conversation has at most 6 turns, both roles counted. The run's seed is 0; all others derive from it and from the pair \
key, so that conversations that differ in the condition or the cast alone share theirs. Condition partial: Two agents, \
each knows its own side and what was said. Condition omniscient: Two agents, each sees both sides. The experiment is \
knows (file's SHA-256 HASH). Models: scripted plays seeker and supporter (scripted, format json). Servers \
called the models that answered: scripted. Prompt files by the first \
characters of their SHA-256: seeker HASH, supporter HASH. Strategies: esconv (8). Nothing was read beside the \
conversations. Means are over conversations, never over turns. Intervals are 95 % percentile intervals of 1,000 \
resamples of whole conversations, and there is none with fewer than 5. What is missing is counted with its reason and \
enters nothing. Contrasts are means of differences within pair keys, with t intervals robust to clusters of scenarios \
and of personas (Cameron, Gelbach and Miller, 2011), effect sizes d_z and d_av, and permutation tests by flipping signs. \
The analysis was written down before the run. Contrasts, within pair keys: all-less-own (condition omniscient less \
partial). Outcomes: family talk: questions (talk.questions, equivalence within ±0.2); family telling: told \
(telling.seeker.told). p values of one family are corrected after Holm, at alpha 0.05. Equivalence is tested by two \
one-sided tests. Excluded from contrasts, and counted: conversations that ended by error. The run was made with"""


def test_the_methods_are_what_run_json_says(run):
    found = re.sub(r"\b[0-9a-f]{12}\b", "HASH", paragraph(gather([run]).runs[0]))
    found = re.sub(r"\(ended by: [^)]*\)", "(ended by: ENDS)", found)
    assert found[: len(METHODS)] == METHODS


def test_a_changed_analysis_is_the_first_thing_said(tmp_path):
    run = played(tmp_path)
    assert not [each for each in make_report([run]).warnings if "experiment" in each]
    file = tmp_path / "knows.yaml"
    file.write_text(EXPERIMENT.replace("0.2", "0.9"), encoding="utf-8")
    first = make_report([run]).warnings[0]
    assert "was changed after the run" in first
    assert "in analysis; the analysis in it is not the one that was planned" in first
    file.write_text(EXPERIMENT + "# a remark\n", encoding="utf-8")
    assert "in its wording alone" in make_report([run]).warnings[0]
    file.unlink()
    assert "was not found" in make_report([run]).warnings[0]
    changed = run.record.experiment.model_copy(update={"text": "other"})
    assert "the one that its hash is of" in make_report([with_record(run, experiment=changed)]).warnings[0]
    resolved = run.record.experiment.resolved.model_copy(update={"analysis": None})
    changed = run.record.experiment.model_copy(update={"resolved": resolved})
    assert "not what the experiment's text says" in make_report([with_record(run, experiment=changed)]).warnings[0]


def test_what_is_not_there_is_counted_and_said(copied):
    (copied.path / "conversations" / "exam-panic.omniscient.0001.jsonl").unlink()
    gone = copied.path / "conversations" / "exam-panic.omniscient.0002.jsonl"
    lines = gone.read_bytes().splitlines(keepends=True)
    gone.unlink()
    copied.live("exam-panic.omniscient.0002").write_bytes(b"".join(lines[:6]))
    report = make_report([copied])
    said = "\n".join(report.warnings)
    assert "10 of 12 conversations are finished (1 under way or interrupted)" in said
    assert "2 of 6 pair keys are without one" in said
    figure = parts_of(report, Figure)["fig-contrasts-1"]
    assert "4 pairs, 2 pair keys without one" in figure.counted
    assert "unfinished" in figure.numbers.rows[0][-1]


def test_hostile_texts_are_escaped_on_the_page_and_in_files(copied, tmp_path):
    condition = copied.record.conditions[0].model_copy(update={"title": HOSTILE})
    resolved = copied.record.experiment.resolved.model_copy(update={"title": HOSTILE})
    experiment = copied.record.experiment.model_copy(update={"resolved": resolved})
    run = with_record(copied, conditions=(condition, *copied.record.conditions[1:]), experiment=experiment)
    for log in run.logs():  # a strategy of a hostile name
        data = log.read_text(encoding="utf-8").replace('"Question"', json.dumps(LABEL, ensure_ascii=False))
        log.write_text(data, encoding="utf-8")
    report = make_report([run])
    text = checked(report)
    assert not {"\x1b", "\u202e", "\u2066"} & set(text)
    assert text.count("&lt;U+001B&gt;") > 2
    assert "<b onclick" not in text
    write_files(report, tmp_path / "files")
    table = (tmp_path / "files" / "strategies-overall.tex").read_text(encoding="utf-8")
    assert table.count("\\end{table}") == 1
    assert escape_latex(LABEL) in table
    for file in (tmp_path / "files").glob("*.svg"):
        ElementTree.parse(file)


def test_peoples_conversations_and_several_runs_side_by_side(run, tmp_path):
    file = tmp_path / "people.json"
    file.write_text(json.dumps([TALK]), encoding="utf-8")
    people = imported(file, tmp_path)
    alone = make_report([people])
    checked(alone)
    assert [section.id for section in alone.sections] == ["methods", "contrasts", "strategies", "cost"]
    assert "people held these conversations" in page(alone)
    both = make_report([run, people, RunFolder.open(SAMPLE)])
    text = checked(both)
    assert both.title == "Report of 3 runs"
    for arm in ("A: partial", "A: omniscient", "B: human", "C: partial"):
        assert arm in text


def imported(file, folder):
    import_esconv(file, folder / "runs", None, ())
    (found,) = (folder / "runs").iterdir()
    return RunFolder.open(found)


def test_mistakes_are_one_line(copied, confide, tmp_path):
    code, out, _ = confide("report", copied.path, "--out", tmp_path / "page.html", "--figures", tmp_path / "files")
    assert (code, out.strip()) == (0, str(tmp_path / "page.html"))
    assert (tmp_path / "files" / "fig-strategies.svg").is_file()
    code, _, err = confide("report", copied.path, "--out", tmp_path / "none" / "page.html")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = confide("report", copied.path, SAMPLE)
    assert (code, "--out" in err) == (2, True)
    for log in copied.logs():
        log.unlink()
    code, _, err = confide("report", copied.path)
    assert (code, err.count("\n")) == (2, 1)
    assert "no finished conversation" in err
    with pytest.raises(ConfideError):
        make_report([copied])


@pytest.mark.skipif(not has_pdf(), reason="reportlab is not installed: pip install 'confide[report]'")
def test_pdfs_hold_the_same_texts(run):
    figure = parts_of(make_report([run]), Figure)["fig-strategies"]
    made, lost = pdf(figure.svg, figure.title)
    assert made.startswith(b"%PDF")
    assert lost == 0
    assert made == pdf(figure.svg, figure.title)[0]


@pytest.mark.browser
def test_a_browser_opens_it_without_a_complaint(run, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("there is no /usr/bin/chromium")
    file = tmp_path / "page.html"
    file.write_text(page(make_report([run])), encoding="utf-8")
    said = []
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width, scheme in ((1100, "light"), (390, "dark")):
            tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            tab.on("console", lambda message: said.append(message.text))
            tab.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
            tab.goto(file.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.locator("figure svg").count() == tab.locator("figure").count() > 3
        browser.close()
    assert said == []
