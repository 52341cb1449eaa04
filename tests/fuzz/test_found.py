"""What the fuzzers found that no other test holds."""

import base64
import zlib

import pytest

from suite import OnError

from .readers import FORMATS, try_reading

_ABORTS = (
    "c-obbzfQw25XR5OL;-b3E6%b}h77G0q_m<)Vame7)S==HoXQeNg@!cz85kLPFouo{JPv1?NQkoF;ZC~m^!x6U=NDH~6n"
    "KPcMhyl4heHMc)|V0i2PiXAA`CEy&mm={Vz%EW^&sI?1!H@h77`qGgs6b_v9|x_sIXI1*zHP4|CsJN=^_UetQXhr)}jFH"
    "jkpqxdu~QBi@lei!T!>gZV6K8SZ4-e?CBhWNN+chOCew6D>H=&e}>ZjL_qEjj;Iv`2($q~Tu%`#WsCpDY?%CDX2Z-I`(L"
    "abuanExNxl=<gz}R^npC#Fe{jusQB`AG*Q=-G(beml)m?IyPfjOOol$6?`<Ptj^qXHaPcm`"
)
"""A table of two rows whose footer has one bit flipped: pyarrow 25 aborts the process where it is
asked for a column's description."""


@pytest.mark.parametrize("name", ["parquet", "image_parquet"])
def test_a_footer_that_aborts_pyarrow(name):
    form = FORMATS[name]
    content = zlib.decompress(base64.b85decode(_ABORTS))
    told = try_reading(form, form.spoiled[0], content, on_error=OnError.skip, stream=False)
    assert told is not None


@pytest.mark.parametrize("name", ["an4", "audiofolder", "manifest", "csv", "jsonl", "trec"])
@pytest.mark.parametrize("on_error", OnError)
def test_bytes_that_are_not_utf_8_in_a_list(name, on_error):
    form = FORMATS[name]
    file = form.spoiled[0]
    lines = form.files()[file].splitlines(keepends=True)
    lines[1] = b"tr\x9f\x96/" + lines[1]
    told = try_reading(form, file, b"".join(lines), on_error=on_error, stream=False)
    latin = name == "trec"  # read as Latin-1, in which any byte is a character
    assert (told is None) == (on_error is OnError.skip or latin), told


@pytest.mark.parametrize("name", ["audiofolder", "manifest", "an4"])
def test_a_name_that_is_too_long_for_a_file(name):
    form = FORMATS[name]
    file = form.spoiled[0]
    number = b"0" if name == "an4" else b"1"  # the very first, which tells the ending of all
    spoiled = form.files()[file].replace(number, number * 300, 1)
    told = try_reading(form, file, spoiled, on_error=OnError.stop, stream=False)
    assert "data.on_error=skip" in str(told)


def test_a_header_of_kilobytes_is_not_said():
    form = FORMATS["audiofolder"]
    file = form.spoiled[0]
    told = try_reading(form, file, b"\xc1" * 5000, on_error=OnError.skip, stream=False)
    assert "has no column 'file_name'" in str(told)
