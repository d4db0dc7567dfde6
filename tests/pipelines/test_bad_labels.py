"""Bad input where labels are learned, through the commands: one clear sentence each, and the rest is used.

An extra, as test_bad_input is: it mirrors a list of what data and labels may have wrong, not one source file.
One small store holds all of it at once; what cannot be built is refused before the work.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import build_kg, evaluate, predict
from pipelines.store.store import Store

EX = "https://example.org/"
STATE = EX + "state"
HEAD = f"""@prefix : <{EX}> .
@prefix schema: <https://schema.org/> .
@prefix unit: <http://qudt.org/vocab/unit/> .
"""
GERMAN = "Das Lager ist nicht zu hören und die Welle läuft mit der Pumpe ohne Spiel."
COUNT = 24
WIDTHS = [flag for name in ("width", "structure-width", "label-width") for flag in (f"--{name}", "16")]
SMALL = ["--epochs", "2", *WIDTHS, "--log", "none", "--device", "cpu"]
SERIES = {
    "good": "time,flow\n" + "".join(f"{at},{at % 3}\n" for at in range(30)),
    "unstamped": "flow\n" + "".join(f"{at % 3}\n" for at in range(30)),
    "gaps": "time,flow,heat\n" + "".join(f"{at},{'NaN' if at % 4 else at},nan\n" for at in range(30)),
    "words": "time,flow,mode\n0,1,slow\n1,2,fast\n",
    "nothing": "time,flow\n0,NaN\n1,nan\n2,\n",
    "single": "time,flow\n0,1\n",
}
RATES = (8_000, 44_100, 96_000)


def tone(path: Path, rate: int) -> None:
    """Half a second of 440 Hz, at any sample rate."""
    samples = np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((8000 * samples).astype("<i2").tobytes())


def machines() -> str:
    """Half of them good, half worn; what else is said of each is right for most and wrong for some."""
    lines = [HEAD]
    for number in range(COUNT):
        state, name = ("good", "worn")[number % 2], f":m{number:02}"
        lines.append(f'{name} a :Machine ; :state :{state} ; schema:name "Pump {number}, {state}" .')
        lines.append(f'{name} :code "{state[0]}" ; :make :acme .')
        high = number % 2 if number % 3 else number // 2 % 2  # the worn ones have it more often
        lines.append(f':{state} :stateOf {name} . {name} :pressure "{3 + high}"^^unit:BAR .')
    lines += [
        f':m{i:02} a schema:Dataset ; schema:contentUrl "{name}.csv" .' for i, name in enumerate(SERIES)
    ]
    lines += [f':m{6 + i:02} schema:audio "{rate}.wav" .' for i, rate in enumerate(RATES)]
    lines.append(':psi a :Machine ; :pressure "43.5"^^unit:PSI ; schema:name "Pump in another unit" .')
    lines.append(':heavy a :Machine ; :pressure "12"^^unit:KiloGM ; schema:name "Pump in no such unit" .')
    lines.append(':broken0 a :Machine ; :state :broken ; schema:name "Pump in pieces" .')
    lines.append(f':german a :Machine ; schema:name "{GERMAN}"@de .')
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Built:
    """What the command left: its folder, its exit status, and what it said."""

    folder: Path
    code: int
    err: str
    warned: list[str]

    def store(self) -> Store:
        return Store.open(self.folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("machines")
    (folder / "machines.ttl").write_text(machines(), encoding="utf-8")
    for name, text in SERIES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    for rate in RATES:
        tone(folder / f"{rate}.wav", rate)
    return folder


@pytest.fixture(scope="module")
def built(folder: Path, session_folder: Path) -> Built:
    """All that is wrong in one store; built once by the command, whose words are kept."""
    return command_of(folder, folder / "store")


def command_of(folder: Path, out: Path) -> Built:
    """Run build_kg in this process; a handler of its own gathers the warnings."""
    warned: list[str] = []
    gather = logging.Handler(logging.WARNING)
    gather.emit = lambda record: warned.append(record.getMessage())  # type: ignore[method-assign]
    err = io.StringIO()
    logging.getLogger().addHandler(gather)
    try:
        with contextlib.redirect_stderr(err):
            code = build_kg.main([str(folder / "machines.ttl"), "--out", str(out), "--target", STATE, *SMALL])
    finally:
        logging.getLogger().removeHandler(gather)
    return Built(out, code, err.getvalue(), warned)


def rows_of(built: Built, modality: str) -> dict[str, tuple[str, str | None]]:
    """Status and problem of each observation of one modality, by the reference's or the entity's name."""
    store = built.store()
    names = store.graph.entities.to_pylist()
    rows = [row for row in store.observed.to_pylist() if row["modality"] == modality]
    return {names[row["entity"]].removeprefix(EX): (row["status"], row["problem"]) for row in rows}


def test_the_build_goes_on_and_says_a_sentence_for_each_thing_left_out(built: Built) -> None:
    assert built.code == 0
    assert "Traceback" not in built.err
    left = [line for line in built.err.splitlines() if line.startswith("left out: ")]
    assert len(left) == 4
    problems = [text for text in built.store().observed["problem"].to_pylist() if text is not None]
    assert left == [f"left out: {text}" for text in problems]


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        ("m03", "words.csv: expected numbers only (got 'slow' in the column 'mode')"),
        ("m04", "nothing.csv: expected readings (got no number in any column)"),
        ("m05", "single.csv: expected at least two samples (got one)"),
    ],
)
def test_a_series_of_words_of_nothing_or_of_one_sample_is_left_out(
    built: Built, machine: str, sentence: str
) -> None:
    status, problem = rows_of(built, "series")[machine]
    assert status == "unreadable"
    assert str(problem).endswith(sentence)


def test_a_series_with_gaps_or_without_time_stamps_is_read(built: Built) -> None:
    found = rows_of(built, "series")
    assert [found[name] for name in ("m00", "m01", "m02")] == [("found", None)] * 3
    rows = built.store().observations.features["series"]
    assert rows.shape[0] == 3
    assert rows.isfinite().all()
    # the same readings at even steps, with stamps and without
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


def test_a_unit_that_does_not_convert_is_left_out_and_one_that_does_is_converted(built: Built) -> None:
    found = rows_of(built, "number")
    wanted = f"expected a unit that converts to BAR, as most values of {EX}pressure (got KiloGM)"
    assert found.pop("heavy") == ("unreadable", wanted)
    assert set(found.values()) == {("found", None)}
    assert len(found) == COUNT + 1
    store = built.store()
    numbers = store.observations.numbers
    assert numbers is not None
    psi = numbers.value[numbers.entity == store.graph.entity_id(EX + "psi")]
    assert psi == pytest.approx([2.9992], abs=1e-3)


def test_sounds_of_any_sample_rate_are_read_as_the_same_sound(built: Built) -> None:
    assert set(rows_of(built, "audio").values()) == {("found", None)}
    rows = built.store().observations.features["audio"]
    assert rows.shape[0] == len(RATES)
    assert (rows @ rows.t()).min() > 0.9


def test_a_text_in_another_language_is_warned_of_and_encoded(built: Built) -> None:
    (sentence,) = built.warned
    assert sentence == (
        f"expected a text in English (got German: {GERMAN[:60]!r}): name a multilingual model to read it"
    )
    assert rows_of(built, "text")["german"] == ("found", None)


def test_the_warning_comes_again_where_features_are_cached(built: Built, folder: Path) -> None:
    assert command_of(folder, folder / "again").warned == built.warned


def test_what_gives_the_label_away_is_named_and_a_single_example_too(built: Built) -> None:
    lines = built.err.splitlines()
    assert f"left out of {STATE}: {EX}stateOf (it holds the inverse)" in lines
    assert f"left out of {STATE}: {EX}code (each of its values stands for one class)" in lines
    assert f"1 value of {STATE} has a single example to learn from: {EX}broken" in lines
    (about,) = built.store().manifest["targets"]
    assert about["scores"]["queries"] > 0


@pytest.fixture
def run(built: Built, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command on the store."""

    def command(main: Callable[[list[str]], int], *flags: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(flag) for flag in ("--store", built.folder, "--device", "cpu", *flags)])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return command


Run = Callable[..., tuple[int, str, str]]


def refused(result: tuple[int, str, str], *parts: str) -> None:
    """It failed with one sentence that holds these parts."""
    code, _, err = result
    assert code == 1
    (line,) = [line for line in err.splitlines() if "error: " in line]
    for part in parts:
        assert part in line


def test_evaluate_names_the_leaks_and_scores_the_rest(run: Run) -> None:
    code, out, _ = run(
        evaluate.main, "--target", STATE, "--fusion", "concat", "--seeds", 1, "--ensemble", 1, "--json"
    )
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    assert result["left out"] == [
        f"{EX}code (each of its values stands for one class)",
        f"{EX}stateOf (it holds the inverse)",
    ]
    assert result["classes"] == [EX + name for name in ("broken", "good", "worn")]
    assert result["rows"]["concat + graph"]["queries"] > 0


def test_predict_answers_for_those_whose_data_was_left_out(run: Run) -> None:
    code, out, err = run(predict.main, "--target", STATE, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [one["entity"] for one in found] == [EX + name for name in ("german", "heavy", "psi")]
    assert all(0 < one["probability"] <= 1 for one in found)
    assert "number" in found[2]["modalities"]
    assert "number" not in found[1]["modalities"]


def test_predict_says_what_of_new_files_was_left_out(run: Run, folder: Path) -> None:
    new = folder / "new.ttl"
    lines = [
        ':n0 a :Machine, schema:Dataset ; schema:name "Pump, worn" ; schema:contentUrl "words.csv" .',
        ':n1 a :Machine ; schema:name "Pump, good" ; :pressure "3"^^unit:KiloGM .',
        ':n2 a :Machine ; schema:name "Pump, good" ; schema:audio "gone.wav" .',
    ]
    new.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    code, out, err = run(predict.main, "--target", STATE, "--new", new, "--json")
    assert code == 0
    assert [one["entity"] for one in json.loads(out)] == [EX + f"n{i}" for i in range(3)]
    told = err.splitlines()
    assert len(told) == 3
    assert all(line.startswith("left out: ") for line in told)
    for part in ("words.csv: expected numbers only", "converts to BAR", "gone.wav"):
        assert sum(part in line for line in told) == 1


def test_a_number_of_a_new_file_is_read_in_the_unit_of_the_store(run: Run, folder: Path) -> None:
    new = folder / "units.ttl"
    values = ('"43.5113"^^unit:PSI', '"3"^^unit:BAR', '"43.5113"^^unit:BAR')
    rows = [f':n{i} a :Machine ; schema:name "Pump" ; :pressure {value} .' for i, value in enumerate(values)]
    new.write_text(HEAD + "\n".join(rows), encoding="utf-8")
    code, out, _ = run(predict.main, "--target", STATE, "--new", new, "--json")
    assert code == 0
    converted, same, far = (one["probability"] for one in json.loads(out))
    assert converted == pytest.approx(same, rel=1e-5)
    assert far != pytest.approx(same, rel=1e-5)


def test_a_target_that_nobody_has_is_refused_by_every_command(run: Run, folder: Path) -> None:
    hint = f"did you mean {STATE}"
    flags = ("--target", EX + "stat")
    refused(build(folder, run, *flags), f"(got {EX}stat)", hint)
    refused(run(evaluate.main, *flags), f"(got {EX}stat)", hint)
    refused(run(predict.main, *flags), f"with ({STATE}) (got {EX}stat)", "--target")


def test_a_target_of_one_class_is_refused_by_every_command(run: Run, folder: Path) -> None:
    flags = ("--target", EX + "make")
    sentence = f"expected two values or more of {EX}make, to tell apart (got 1)"
    refused(build(folder, run, *flags), sentence)
    refused(run(evaluate.main, *flags), sentence)
    refused(run(predict.main, *flags), f"(got {EX}make)")


def build(folder: Path, run: Run, *flags: str) -> tuple[int, str, str]:
    """Build anew, which must leave no store."""

    def main(argv: list[str]) -> int:
        return build_kg.main(argv[4:])

    result = run(main, folder / "machines.ttl", "--out", folder / "refused", *SMALL, *flags)
    assert not (folder / "refused").exists()
    return result


def test_classes_of_one_example_each_are_learned_and_not_tested(run: Run, folder: Path) -> None:
    rows = [f':k{i} a :Thing ; :kind :kind{i} ; schema:name "thing {i}" .' for i in range(3)]
    path = folder / "kinds.ttl"
    path.write_text(HEAD + "\n".join(rows), encoding="utf-8")

    def main(argv: list[str]) -> int:
        return build_kg.main(argv[4:])

    code, out, err = run(main, path, "--out", folder / "kinds", "--target", EX + "kind", *SMALL)
    assert code == 0
    assert "no labels were left" in out
    assert Store.open(folder / "kinds").manifest["targets"][0]["scores"] == {}
    assert f"3 values of {EX}kind have a single example to learn from" in err

    def measure(argv: list[str]) -> int:
        return evaluate.main(["--store", str(folder / "kinds"), *argv[2:]])

    refused(
        run(measure, "--target", EX + "kind"),
        f"expected labels of {EX}kind to test with (got 3, all needed to learn from)",
    )
