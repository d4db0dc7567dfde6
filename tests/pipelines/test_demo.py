"""The three questions of the demo, asked where its store has been built."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import demo
from pipelines.store.store import Store, StoreError

ROOT = Path(__file__).parents[2]


def test_the_questions_are_one_by_text_one_by_picture_one_by_sound_and_one_is_constrained() -> None:
    asked = [question for _, question in demo.questions(Path("media"))]
    assert [next(iter(question)) for question in asked] == ["text", "image", "audio"]
    assert any("where" in question for question in asked)


def test_without_the_store_the_demo_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("data.stamps.recipe.stamps_ttl", lambda: tmp_path / "stamps.ttl")
    monkeypatch.setattr(demo, "DEMO_STORE", tmp_path / "store")
    assert demo.main([]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: expected a store at")
    assert "python -m pipelines.build_kg" in err


@pytest.mark.stamps
@pytest.mark.slow
def test_the_demo_answers_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, cache = ROOT / demo.DEMO_STORE, ROOT / ".cache"
    turtle = cache / "stamps" / "stamps.ttl"
    try:
        Store.open(store)
    except StoreError:
        pytest.skip("the demo store is not there: make demo builds it")
    if not turtle.is_file():
        pytest.skip("the demo data are not there: make demo fetches them")
    monkeypatch.setattr("data.stamps.recipe.stamps_ttl", lambda: turtle)
    monkeypatch.setattr(demo, "DEMO_STORE", store)
    assert demo.main([]) == 0
    out = capsys.readouterr().out
    assert out.count("entities that may answer") == 3
    assert "Ask your own:" in out
