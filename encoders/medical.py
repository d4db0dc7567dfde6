"""From DICOM and NIfTI to an ordinary grey or colour picture: windowed, upright, of volumes the middle slice.

Knows no model. pydicom and nibabel are needed only where such files come (the extra `medical`).
"""

from __future__ import annotations

import gzip
import importlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]

MAX_BYTES = 2**30  # of a NIfTI volume once unpacked
_GZIP = b"\x1f\x8b"
_TAIL = 0.5  # percent at each end that may be a burnt-in mark or a dead pixel, where no window is stated


class ScanError(ValueError):
    """Such a file cannot become a picture; the text is one sentence."""


def medical_picture(content: bytes, max_pixels: int) -> Image | None:
    """The picture of a DICOM or NIfTI file; None for any other file.

    DICOM: the stored window or table of values (VOI LUT) is applied, MONOCHROME1 is turned over. NIfTI: the
    middle axial slice of the first volume, front up, the body's right at the right of the picture.

    Raises:
        ScanError: too large, without pixels, or the package that reads it is not installed; what the two
            packages say of damaged files comes as they raise it.
    """
    from PIL import Image as Pillow

    if content[128:132] == b"DICM":
        return Pillow.fromarray(_dicom(content, max_pixels))
    if content.startswith(_GZIP):
        content = _unpacked(content)
    if content[344:348] in (b"n+1\0", b"ni1\0") or content[4:8] in (b"n+2\0", b"ni2\0"):
        return Pillow.fromarray(_nifti(content, max_pixels))
    return None


def _package(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ScanError(
            f"expected the package {package}, which reads {what} (it is not installed): "
            "pip install 'sensegraph[medical]'"
        ) from error


def _dicom(content: bytes, max_pixels: int) -> Pixels:
    """Shapes: result (rows, columns) or (rows, columns, 3) uint8."""
    pydicom, pixels = _package("pydicom", "DICOM"), _package("pydicom.pixels", "DICOM")
    dataset = pydicom.dcmread(BytesIO(content))
    if "PixelData" not in dataset:
        raise ScanError("expected a picture (got a DICOM file without one)")
    if dataset.Rows * dataset.Columns > max_pixels:
        raise ScanError(_too_large(f"{dataset.Columns} x {dataset.Rows} pixels"))
    frames = int(dataset.get("NumberOfFrames") or 1)
    frame = pixels.pixel_array(dataset, index=frames // 2)
    kind = dataset.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        frame = pixels.apply_color_lut(frame, dataset)
    if frame.ndim == 3:
        bits = dataset.BitsStored if kind != "PALETTE COLOR" else 8 * frame.dtype.itemsize
        return _bytes(frame, 0, 2**bits - 1)
    frame = pixels.apply_modality_lut(frame, dataset)
    grey = _windowed(frame, dataset, pixels)
    return 255 - grey if kind == "MONOCHROME1" else grey


def _windowed(frame: NDArray[Any], dataset: Any, pixels: Any) -> Pixels:
    """By the first window that the file states, which need not be filled by the values that are there."""
    seen = pixels.apply_voi_lut(frame, dataset)
    if "VOILUTSequence" in dataset:
        low, high = 0, 2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1
    elif dataset.get("WindowWidth") not in (None, "") and dataset.get("WindowCenter") not in (None, ""):
        low, high = pixels.apply_voi_lut(np.array([-1e12, 1e12]), dataset)
    else:
        return _stretched(frame)
    return _bytes(seen, low, high)


def _unpacked(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=BytesIO(content)) as file:
        unpacked = file.read(MAX_BYTES + 1)
    if len(unpacked) > MAX_BYTES:
        raise ScanError(_too_large(f"more than {MAX_BYTES >> 20} MB once unpacked"))
    return unpacked


def _nifti(content: bytes, max_pixels: int) -> Pixels:
    """Shapes: result (rows, columns) uint8."""
    nibabel = _package("nibabel", "NIfTI")
    image_type = nibabel.Nifti2Image if content[4:8] in (b"n+2\0", b"ni2\0") else nibabel.Nifti1Image
    image = image_type.from_bytes(content)
    if len(image.shape) < 2 or 0 in image.shape:
        raise ScanError(f"expected a picture or a volume (got a NIfTI file of shape {image.shape})")
    while len(image.shape) < 3:
        image = image_type(np.asanyarray(image.dataobj)[..., None], image.affine, image.header)
    image = nibabel.as_closest_canonical(image.slicer[(slice(None),) * 3 + (0,) * (len(image.shape) - 3)])
    if image.shape[0] * image.shape[1] > max_pixels:
        raise ScanError(_too_large(f"{image.shape[0]} x {image.shape[1]} pixels"))
    middle = np.asarray(image.dataobj[:, :, image.shape[2] // 2])
    if middle.dtype.kind not in "biuf":
        raise ScanError(f"expected grey values (got a NIfTI file of {middle.dtype})")
    low, high = float(image.header["cal_min"]), float(image.header["cal_max"])
    upright = np.rot90(middle)  # the second axis runs to the front of the body: that is up
    return _bytes(upright, low, high) if high > low else _stretched(upright)


def _stretched(values: NDArray[Any]) -> Pixels:
    """From the darkest to the lightest value that is no outlier."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ScanError("expected a picture (got no pixel that is a number)")
    low, high = np.percentile(finite, [_TAIL, 100 - _TAIL])
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return _bytes(values, float(low), float(high))


def _bytes(values: NDArray[Any], low: float, high: float) -> Pixels:
    scaled = (values.astype(np.float64) - low) * (255 / max(high - low, 1e-12))
    grey: Pixels = np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8)
    return np.ascontiguousarray(grey)


def _too_large(got: str) -> str:
    return f"expected a smaller picture (got {got})"
