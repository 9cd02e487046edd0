"""Small whole files of every format that the package reads; the fuzzing changes them."""

import io
import json

import imagecodecs
import nibabel
import numpy as np
import pydicom
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dkg import dicom, encryption, zoo
from dkg import reproduction as results
from dkg.reproduction import provenance, recording, records
from dkg.training import TrainConfig, read_log, train

SHAPE = (9, 12)

KEYS = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), np.uint8)

# The smallest training: one step of networks with one channel.
TRAINING = {
    "steps": 1,
    "residual_blocks": 0,
    "generator_width": 1,
    "discriminator_width": 1,
    "pool_size": 1,
    "sample_steps": (),
    "seed": 0,
    "threads": 1,
    "device": "cpu",
}

TRAINING_IMAGES = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), np.uint8)


def pixels(*more, dtype=np.uint8):
    """Return a gradient, which can be compressed and predicted."""
    shape = (*SHAPE, *more)
    return (np.arange(np.prod(shape)).reshape(shape) * 7 % np.iinfo(dtype).max).astype(dtype)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def png():
    palette = Image.fromarray(pixels(3)).quantize(9)
    files = {
        "palette.png": saved(palette, format="PNG", transparency=bytes([0, 128, 255])),
        "bilevel.png": saved(Image.fromarray(pixels() > 50), format="PNG"),
        "text.png": saved(Image.fromarray(pixels()), format="PNG", dpi=(300, 300)),
    }
    for channels in ((), (2,), (3,), (4,)):
        for dtype in (np.uint8, np.uint16):
            name = f"{np.dtype(dtype).name}-{channels}.png"
            files[name] = imagecodecs.png_encode(pixels(*channels, dtype=dtype))
    return files


def jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6
    colour = Image.fromarray(pixels(3))
    return {
        "gray.jpg": saved(Image.fromarray(pixels()), format="JPEG"),
        "colour.jpg": saved(colour, format="JPEG", exif=exif),
        "progressive.jpg": saved(colour, format="JPEG", progressive=True, subsampling=2),
        "cmyk.jpg": saved(colour.convert("CMYK"), format="JPEG"),
    }


def tiff():
    files = {}
    for compression in (None, "lzw", "zlib", "packbits", "zstd", "lzma", "jpeg"):
        for dtype in (np.uint8, np.uint16):
            if compression == "jpeg" and dtype is np.uint16:
                continue
            buffer = io.BytesIO()
            tifffile.imwrite(
                buffer,
                pixels(3, dtype=dtype),
                photometric="rgb",
                compression=compression,
                predictor=compression in ("lzw", "zlib"),
                byteorder=">" if compression == "zlib" else "<",
                bigtiff=compression == "zstd",
            )
            files[f"{np.dtype(dtype).name}-{compression}.tif"] = buffer.getvalue()
    for name, array, options in (
        ("pages.tif", np.stack([pixels(), pixels()]), {"photometric": "minisblack"}),
        ("white.tif", pixels(dtype=np.uint16), {"photometric": "miniswhite"}),
        ("tiles.tif", pixels(dtype=np.uint16), {"tile": (16, 16), "compression": "lzw"}),
        ("float.tif", pixels().astype(np.float32), {}),
        ("one-bit.tif", pixels() > 127, {"photometric": "minisblack"}),
        ("packed.tif", pixels() >> 4, {"photometric": "minisblack", "bitspersample": 4}),
        (
            "planes.tif",
            np.moveaxis(pixels(3), -1, 0),
            {"photometric": "rgb", "planarconfig": "separate"},
        ),
    ):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, **options)
        files[name] = buffer.getvalue()
    return files


def nifti():
    volume = np.zeros((6, 7, 5), np.float32)
    volume[1:5, 1:6, 1:4] = np.arange(60).reshape(4, 5, 3) + 1
    turned = nibabel.affines.from_matvec(nibabel.eulerangles.euler2mat(0.3, 0.2, 0.1), [1, 2, 3])
    scaled = nibabel.Nifti1Image(volume.astype(np.int16), np.eye(4))
    scaled.header.set_slope_inter(2, -5)
    images = {
        "float.nii": nibabel.Nifti1Image(volume, np.eye(4)),
        "turned.nii": nibabel.Nifti1Image(volume.astype(np.uint8), turned),
        "scaled.nii": scaled,
        "second.nii": nibabel.Nifti2Image(volume, np.diag([-1, 1, 1, 1])),
        "slice.nii": nibabel.Nifti1Image(volume[:, :, 2:3], np.eye(4)),
        "four.nii": nibabel.Nifti1Image(volume[..., None], np.eye(4)),
    }
    files = {name: image.to_bytes() for name, image in images.items()}
    files |= {f"{name}.gz": gzipped(files[name]) for name in ("float.nii", "second.nii")}
    return files


def gzipped(data):
    """Return a gzip file that is the same at any time."""
    import gzip

    return gzip.compress(data, mtime=0)


def dicom_dataset(array, photometric="MONOCHROME2", bits=None, **elements):
    """Make a data set; its file meta information names no transfer syntax yet."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.4"
    dataset.PatientName = "Name^of no one"
    colour = array.shape[-1] == 3
    dataset.Rows, dataset.Columns = array.shape[-3:-1] if colour else array.shape[-2:]
    if array.ndim > 2 + colour:
        dataset.NumberOfFrames = len(array)
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = 8 * array.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    dataset.PixelData = array.tobytes()
    dataset["PixelData"].VR = "OW" if array.itemsize > 1 else "OB"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def dicom_bytes(dataset, syntax=ExplicitVRLittleEndian, codestreams=None):
    """Return the file of a data set, compressed if codestreams, one for each frame, are given."""
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if codestreams is not None:
        dataset.PixelData = pydicom.encaps.encapsulate(codestreams)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    elif syntax == ExplicitVRBigEndian and dataset.BitsAllocated == 16:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def table(entries, bits=16):
    item = Dataset()
    item.LUTDescriptor = [len(entries), 0, bits]
    item.add_new("LUTData", "OW", np.array(entries, np.uint16).tobytes())
    item.ModalityLUTType = "US"
    return item


def dicom_files():
    signed = (pixels(dtype=np.int16) % 4096 - 2048).astype(np.int16)
    deep = (pixels(dtype=np.uint16) % 4096).astype(np.uint16)
    palette = {}
    for name in ("Red", "Green", "Blue"):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        palette[f"{name}PaletteColorLookupTableData"] = np.arange(256, dtype=np.uint16).tobytes()
    window = {"WindowCenter": "40", "WindowWidth": "400"}
    groups = Dataset()
    item = Dataset()
    item.WindowCenter, item.WindowWidth = "900", "700"
    groups.FrameVOILUTSequence = [item]
    gray = dicom_dataset(pixels())
    files = {
        "gray.dcm": dicom_bytes(gray),
        "implicit.dcm": dicom_bytes(dicom_dataset(pixels(3), "RGB"), ImplicitVRLittleEndian),
        "big.dcm": dicom_bytes(dicom_dataset(deep, bits=12), ExplicitVRBigEndian),
        "deflated.dcm": dicom_bytes(dicom_dataset(pixels()), DeflatedExplicitVRLittleEndian),
        "signed.dcm": dicom_bytes(
            dicom_dataset(signed, bits=12, RescaleSlope="2", RescaleIntercept="-9", **window)
        ),
        "inverted.dcm": dicom_bytes(dicom_dataset(signed, "MONOCHROME1", PixelPaddingValue=-2000)),
        "palette.dcm": dicom_bytes(dicom_dataset(pixels(), "PALETTE COLOR", **palette)),
        "ybr.dcm": dicom_bytes(dicom_dataset(pixels(3), "YBR_FULL")),
        "tables.dcm": dicom_bytes(
            dicom_dataset(
                pixels(),
                ModalityLUTSequence=[table(list(range(0, 512, 2)))],
                VOILUTSequence=[table(list(range(512)), bits=10)],
            )
        ),
        "frames.dcm": dicom_bytes(
            dicom_dataset(
                np.stack([deep, deep]), bits=12, PerFrameFunctionalGroupsSequence=[groups] * 2
            )
        ),
    }
    for syntax, codestream, array in (
        (JPEGBaseline8Bit, saved(Image.fromarray(pixels()), format="JPEG"), pixels()),
        (JPEGLosslessSV1, imagecodecs.ljpeg_encode(deep, bitspersample=16), deep),
        (JPEGLSLossless, imagecodecs.jpegls_encode(deep), deep),
        (JPEG2000Lossless, imagecodecs.jpeg2k_encode(deep, codecformat="j2k", level=0), deep),
    ):
        files[f"{syntax.keyword}.dcm"] = dicom_bytes(dicom_dataset(array), syntax, [codestream])
    narrow = imagecodecs.jpeg2k_encode(pixels(), codecformat="j2k", level=0)
    files["narrow.dcm"] = dicom_bytes(dicom_dataset(deep, bits=8), JPEG2000Lossless, [narrow])
    gray = pydicom.dcmread(io.BytesIO(files["gray.dcm"]))
    gray.compress(RLELossless, generate_instance_uid=False)
    files["rle.dcm"] = dicom_bytes(gray, RLELossless)
    return files


def key(folder):
    files = {}
    for n in (1, 2):
        path = folder / f"key-{n}.png"
        about = {"weights_sha256": "0" * 64, "weights_public": False}
        encryption.write_key(path, KEYS[:n], secret=bytes(range(32)), **about)
        files[path.name] = path.read_bytes()
    return files


def ciphertext(folder):
    files = {}
    for name, image in (("gray.png", pixels()), ("deep.png", pixels(3, dtype=np.uint16))):
        source, out = folder / f"plain-{name}", folder / name
        encryption.write_samples(source, image)
        encryption.encrypt_file(source, folder / "key-1.png", out, allow_key_reuse=True)
        files[name] = out.read_bytes()
    return files


def encrypted_dicom(folder):
    files = {}
    for name, whole in dicom_files().items():
        if name in ("gray.dcm", "signed.dcm", "frames.dcm", "rle.dcm"):
            source, out = folder / f"plain-{name}", folder / name
            source.write_bytes(whole)
            dicom.encrypt_file(source, folder / "key-1.png", out, allow_key_reuse=True)
            files[name] = out.read_bytes()
    return files


def training(folder):
    out = folder / "training"
    train(TrainConfig(**TRAINING), TRAINING_IMAGES, TRAINING_IMAGES, out, progress=False)
    names = ("generator.safetensors", "checkpoint.safetensors")
    files = {}
    for name in names:
        # The metadata are written in any order.
        data = (out / name).read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True).encode()
        files[name] = len(header).to_bytes(8, "little") + header + data[8 + length :]
    log = [json.dumps(entry | {"seconds": 1.0}) + "\n" for entry in read_log(out)]
    return files | {"log.jsonl": "".join(log).encode()}


def manifest(weights):
    """Return a manifest of two networks, of which one is the given file's."""
    import hashlib

    common = {"about": "A network.", "dataset": "montgomery", "origin": "synthetic", "images": 1}
    networks = {
        "trained": common
        | {
            "domain": "chaotic-rgb",
            "file": "generator.safetensors",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "steps": 1,
            "seed": 0,
            "recipe": {"steps": 1, "seed": 0},
            "samples": {"0": {"file": "key.png", "entropy": 7.5}},
        },
        "missing": common | {"domain": "row-shuffle", "domain_seed": 3, "recipe": {"steps": 2}},
    }
    return {"manifest.toml": zoo.dumps(networks).encode()}


def record():
    comparison = results.COMPARISONS["claim-known-plaintext"][0]
    made = records.judged(
        {
            "id": "claim-known-plaintext",
            "sentence": "All of it.",
            "comparisons": [recording.measured(comparison, numbers={comparison.name: [100.0]})],
            "more": {"two": {"NPCR (%)": 99.25}, "broken": [float("nan"), None, 1]},
            "images": [
                {"name": "montgomery", "origin": "synthetic", "n": 2, "fingerprint": "0" * 64}
            ],
            "networks": [{"name": "a", "sha256": "0" * 64, "steps": 5, "trained_on": "files"}],
            "seeds": {"pairs": 3},
            "missing": None,
            "figure": None,
            "profile": "default",
            "notebook": None,
            "provenance": provenance.provenance() | {"written": "2021-03-10", "seconds": 1.0},
        }
    )
    text = results.dumps(made)
    return {"claim-known-plaintext.json": json.dumps(json.loads(text)).encode()}
