"""DICOM and NIfTI as pictures: windows, inverted greys, the middle slice, and what cannot be shown."""

import gzip
import importlib
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from encoders import MediaError, medical
from encoders.medical import ScanError, medical_picture
from encoders.picture import PictureReader

PIXELS = 10**6


def dicom(pixels: NDArray[Any], **fields: Any) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        SecondaryCaptureImageStorage,
        meta.MediaStorageSOPInstanceUID,
    )
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim - colour == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.tobytes()
    for name, value in fields.items():
        setattr(dataset, name, value)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def grey(content: bytes) -> list[list[int]]:
    picture = medical_picture(content, PIXELS)
    assert picture is not None
    assert picture.mode == "L"
    found: list[list[int]] = np.asarray(picture).tolist()
    return found


def nifti(values: NDArray[Any], affine: NDArray[Any] | None = None, **header: float) -> bytes:
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    for name, value in header.items():
        image.header[name] = value
    return bytes(image.to_bytes())


def test_the_window_of_a_dicom_file_decides_black_and_white() -> None:
    pixels = np.array([[0, 1000], [1100, 1200], [1300, 4000]], dtype=np.uint16)
    content = dicom(pixels, WindowCenter="1150.5", WindowWidth="301")  # 1000 to 1300
    assert grey(content) == [[0, 0], [85, 170], [255, 255]]


def test_a_window_that_is_not_filled_is_not_stretched() -> None:
    pixels = np.array([[1100, 1200]], dtype=np.uint16)
    assert grey(dicom(pixels, WindowCenter="1150.5", WindowWidth="301")) == [[85, 170]]


def test_rescaled_values_are_windowed_in_their_own_unit() -> None:
    pixels = np.array([[0, 1024, 2048]], dtype=np.uint16)
    content = dicom(
        pixels, RescaleSlope="1", RescaleIntercept="-1024", WindowCenter="0.5", WindowWidth="2049"
    )
    assert grey(content) == [[0, 128, 255]]


def test_monochrome1_is_turned_over() -> None:
    pixels = np.array([[0, 51, 255]], dtype=np.uint8)
    content = dicom(pixels, PhotometricInterpretation="MONOCHROME1", WindowCenter="128", WindowWidth="256")
    assert grey(content) == [[255, 204, 0]]


def test_without_a_window_the_values_are_stretched() -> None:
    assert grey(dicom(np.array([[-5, 0, 5]], dtype=np.int16))) == [[0, 128, 255]]
    assert grey(dicom(np.full((2, 2), 9, dtype=np.uint16))) == [[0, 0], [0, 0]]


def test_of_many_frames_the_middle_one_is_shown() -> None:
    frames = np.stack([np.full((2, 2), value, dtype=np.uint8) for value in (10, 200, 30)])
    assert grey(dicom(frames, WindowCenter="128", WindowWidth="256")) == [[200, 200], [200, 200]]


def test_colour_stays_colour() -> None:
    pixels = np.array([[[255, 0, 0], [0, 0, 255]]], dtype=np.uint8)
    picture = medical_picture(dicom(pixels), PIXELS)
    assert picture is not None
    assert np.asarray(picture).tolist() == pixels.tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_volume_the_middle_axial_slice_is_shown_front_up(packed: bool) -> None:
    volume = np.zeros((2, 3, 5), dtype=np.float32)
    volume[:, :, 2] = [[1, 2, 3], [4, 5, 6]]  # right to left by back to front
    content = nifti(volume, cal_min=0, cal_max=255)
    assert grey(gzip.compress(content) if packed else content) == [[3, 6], [2, 5], [1, 4]]


def test_the_axes_of_a_volume_are_those_of_the_body() -> None:
    volume = np.zeros((2, 3, 5), dtype=np.float32)
    volume[:, :, 2] = [[1, 2, 3], [4, 5, 6]]
    turned = np.ascontiguousarray(volume.transpose(2, 0, 1)[:, ::-1])
    affine = np.array([[0, -1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=float)
    expected = grey(nifti(volume, cal_min=0, cal_max=255))
    assert grey(nifti(turned, affine, cal_min=0, cal_max=255)) == expected


def test_a_flat_and_a_moving_nifti_are_pictures_too() -> None:
    flat = np.array([[0, 255], [51, 102]], dtype=np.float32)
    expected = [[255, 102], [0, 51]]
    assert grey(nifti(flat, cal_min=0, cal_max=255)) == expected
    moving = np.stack([flat[..., None], 0 * flat[..., None]], axis=3)
    assert grey(nifti(moving, cal_min=0, cal_max=255)) == expected


def test_nan_is_black() -> None:
    values = np.array([[[np.nan], [0.0]], [[1.0], [1.0]]])
    assert 0 in np.asarray(grey(nifti(values)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (dicom(np.zeros((3, 4), np.uint8))[:-4], ""),
        (nifti(np.zeros((3, 4, 2), np.float32))[:-8], ""),
        (gzip.compress(nifti(np.zeros((3, 4, 2), np.float32)))[:-8], ""),
        (nifti(np.full((3, 4, 2), np.nan, np.float32)), "no pixel that is a number"),
        (gzip.compress(b"not a volume"), "no known picture format"),
    ],
)
def test_a_damaged_scan_is_answered_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "scan.dcm"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=f"expected a picture .got .*{sentence}") as caught:
        PictureReader(32).read(path)
    assert "\n" not in str(caught.value)


def test_a_scan_is_read_like_any_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom(np.full((40, 20), 200, np.uint8), WindowCenter="128", WindowWidth="256"))
    picture = PictureReader(32).read(path)
    assert (picture.size, picture.mode) == ((32, 32), "RGB")
    assert picture.getpixel((16, 16)) == (200, 200, 200)
    assert picture.getpixel((1, 16)) == (255, 255, 255)


def test_too_large_scans_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScanError, match=r"expected a smaller picture \(got 4 x 3 pixels\)"):
        medical_picture(dicom(np.zeros((3, 4), np.uint8)), 11)
    with pytest.raises(ScanError, match=r"expected a smaller picture \(got 3 x 4 pixels\)"):
        medical_picture(nifti(np.zeros((3, 4, 2), np.float32)), 11)
    monkeypatch.setattr(medical, "MAX_BYTES", 2**20)
    with pytest.raises(ScanError, match="more than 1 MB once unpacked"):
        medical_picture(gzip.compress(bytes(2**21)), PIXELS)


def test_a_missing_package_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    path = tmp_path / "scan.nii"
    path.write_bytes(nifti(np.zeros((3, 4, 2), np.float32)))
    with pytest.raises(
        MediaError, match=r"expected the package nibabel, .* pip install 'sensegraph\[medical\]'"
    ):
        PictureReader(32).read(path)
