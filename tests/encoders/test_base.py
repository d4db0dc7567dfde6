"""Where references may lead: inside the media root, and nowhere else."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders import MediaError, resolve_media
from encoders.base import read_bytes, shown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.png").write_bytes(b"a")
    (root / "sub" / "my cat.png").write_bytes(b"b")
    (tmp_path / "secret.png").write_bytes(b"c")
    return root


@pytest.mark.parametrize(
    "reference",
    [
        "a.png",
        "./a.png",
        "sub/../a.png",
        "file:a.png",
        "{root}/a.png",
        "file://{root}/a.png",
        "file:{root}/a.png",
        "file://localhost{root}/a.png",
        "FILE://{root}/a.png#part",
        "file://{root}/%61.png",
        "%61.png",
    ],
)
def test_every_spelling_of_a_file_inside_the_root_is_found(root: Path, reference: str) -> None:
    assert resolve_media(reference.format(root=root), root) == (root / "a.png").resolve()


@pytest.mark.parametrize("reference", ["sub/my cat.png", "sub/my%20cat.png", "file:sub/my%20cat.png"])
def test_spaces_may_be_written_as_they_are_or_by_percent(root: Path, reference: str) -> None:
    assert resolve_media(reference, root).name == "my cat.png"


def test_a_name_that_exists_as_written_is_not_decoded(root: Path) -> None:
    (root / "%61.png").write_bytes(b"x")
    assert resolve_media("%61.png", root).name == "%61.png"
    (root / "x%2F..%2F..%2Fsecret.png").write_bytes(b"x")
    assert resolve_media("x%2F..%2F..%2Fsecret.png", root).parent == root.resolve()


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("../secret.png", "expected a file inside the media root"),
        ("sub/../../secret.png", "expected a file inside the media root"),
        ("%2e%2e/secret.png", "expected a file inside the media root"),
        ("file:///etc/passwd", "expected a file inside the media root"),
        ("file:////etc/passwd", "expected a file inside the media root"),
        ("/etc/passwd", "expected a file inside the media root"),
        ("file://elsewhere/a.png", "got host 'elsewhere'"),
        ("file://[bad/a.png", "expected a file: IRI"),
        ("file:%ff.png", "expected a file: IRI"),
        ("a.png\0", "holds a null byte"),
        ("%00", "holds a null byte"),
        ("x" * 300, "the system refuses it"),
        ("x" * 5000, r"expected a path of 1 to 4096 characters \(got 5000\)"),
        ("", r"expected a path of 1 to 4096 characters \(got 0\)"),
        ("\ud800.png", "the system refuses it"),
        ("nowhere.png", "found nothing there"),
        ("sub", "found something else"),
        ("http://example.org/a.png", "pass --allow-remote"),
        ("HTTPS://example.org/a.png", "pass --allow-remote"),
        ("data:image/png;base64,AAAA", r"expected a path, a file: IRI or an http\(s\) URL \(got data:\)"),
        ("urn:isbn:1", r"\(got urn:\)"),
    ],
)
def test_whatever_leads_elsewhere_is_refused_in_one_sentence(
    root: Path, reference: str, sentence: str
) -> None:
    with pytest.raises(MediaError, match=sentence) as caught:
        resolve_media(reference, root)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_symlinks_are_followed_before_they_are_judged(root: Path) -> None:
    (root / "in.png").symlink_to(root / "a.png")
    (root / "out.png").symlink_to(root.parent / "secret.png")
    (root / "up").symlink_to(root.parent)
    (root / "loop").symlink_to(root / "loop")
    assert resolve_media("in.png", root) == (root / "a.png").resolve()
    for reference in ("out.png", "up/secret.png"):
        with pytest.raises(MediaError, match="inside the media root"):
            resolve_media(reference, root)
    with pytest.raises(MediaError, match="expected a file"):
        resolve_media("loop", root)


def test_a_root_that_is_a_symlink_is_a_root(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert resolve_media("a.png", tmp_path / "link") == (root / "a.png").resolve()


def test_remote_references_go_to_the_callers_downloader(root: Path) -> None:
    asked: list[str] = []

    def fetch(url: str) -> Path:
        asked.append(url)
        return root / "a.png"

    assert resolve_media("https://example.org/x", root, fetch) == root / "a.png"
    assert asked == ["https://example.org/x"]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                ["..", ".", "/", "a.png", "sub", "%2e", "%2f", "file:", "//", "\0", "~", "secret.png"]
            ),
            max_size=8,
        ).map("".join),
    )
)
def test_no_reference_leaves_the_root(tmp_path_factory: pytest.TempPathFactory, reference: str) -> None:
    base = tmp_path_factory.getbasetemp() / "hypothesis"
    root = base / "root"
    (root / "sub").mkdir(parents=True, exist_ok=True)
    for path in (root / "a.png", root / "sub" / "a.png", base / "secret.png"):
        path.touch()
    with contextlib.suppress(MediaError):
        found = resolve_media(reference, root)
        assert found.is_file()
        assert found.is_relative_to(root.resolve())


def test_long_and_unprintable_references_are_shown_short_and_on_one_line() -> None:
    assert shown("a\nb\0") == "a\\nb\\x00"
    assert shown("  ") == "'  '"
    assert shown("x" * 1000) == "x" * 100 + "..." + "x" * 40
    assert str(MediaError("a.png", "expected a picture")) == "a.png: expected a picture"


def test_reading_names_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "full").write_bytes(b"12345678")
    assert read_bytes(tmp_path / "full", "a sound") == b"12345678"
    with pytest.raises(MediaError, match=r"empty: expected a sound \(got an empty file\)"):
        read_bytes(tmp_path / "empty", "a sound")
    with pytest.raises(MediaError, match=r"expected a sound \(got no such file\)"):
        read_bytes(tmp_path / "missing", "a sound")
    with pytest.raises(MediaError, match=r"expected a sound \(got a folder\)"):
        read_bytes(tmp_path, "a sound")
    with pytest.raises(MediaError, match="expected a sound of at most 0 MB"):
        read_bytes(tmp_path / "full", "a sound", limit_bytes=7)
