import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigbench import DENOISERS, InputError
from sigbench.config.registry import build
from sigbench.config.spec import Spec, expand, parse

words = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(
    lambda w: w not in ("true", "false", "none", "nan", "inf", "infinity")
)
scalars = words | st.integers(-999, 999) | st.booleans() | st.none()
params = st.dictionaries(
    words, scalars | st.lists(scalars, min_size=1, max_size=3).map(tuple), max_size=3
)


@given(words, params)
def test_what_is_written_is_read_back(name, parameters):
    spec = Spec(name, tuple(parameters.items()))
    assert parse(str(spec)) == spec


@given(st.text(alphabet="ab[]=,. 1", max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        spec = parse(text)
    except InputError:
        return
    assert parse(str(spec)) == spec


def test_lists_sweep():
    specs = expand(parse("gmc[lam=[1,2],gamma=[0.5,0.8],nonneg=false]"))
    assert [dict(s.params)["lam"] for s in specs] == [1, 1, 2, 2]
    assert len({str(s) for s in specs}) == 4


@pytest.mark.parametrize(
    "text", ["", "l1[", "l1[lam]", "l1[lam=1", "l1[lam=1]]", "[lam=1]", "l1[lam=]"]
)
def test_unreadable(text):
    with pytest.raises(InputError, match="cannot read"):
        parse(text)


def test_an_empty_list():
    with pytest.raises(InputError, match="must contain at least one value"):
        parse("l1[lam=[]]")


def test_a_parameter_twice():
    with pytest.raises(InputError, match="duplicate parameter 'lam'"):
        parse("l1[lam=1,lam=2]")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("l2[lam=1]", r"unknown method 'l2': did you mean 'l1'\?"),
        ("l1[lamb=1]", r"unknown parameter of l1 'lamb': did you mean 'lam'"),
        ("l1[lam=x]", "l1: lam=x must be a number or none"),
        ("l1[lam=inf]", "must be a number"),
        ("l1[lam=true]", "lam=true must be a number"),
        ("l1[lam=1,nonneg=1]", "nonneg=1 must be true or false"),
        ("l1[lam=1,transform=fft]", "unknown transform 'fft': did you mean 'dft'"),
        ("l1[lam=1,transform=3]", "transform=3 is not the name of a transform"),
        ("local-wiener[window=2.5]", "window=2.5 must be a whole number"),
        ("wavelet[rule=best]", "rule=best must be one of: visu, sure, hybrid, bayes"),
        ("l1[lam=-1]", r"l1\[lam=-1\]: lam=-1 must be >= 0"),
    ],
)
def test_bad_specs_name_the_value_and_the_legal_ones(spec, message):
    with pytest.raises(InputError, match=message):
        build("method", DENOISERS, spec)


def test_lists_of_inner_specs_are_swept_too():
    specs = expand(parse("a[b=c[d=[1,2],e=[f[g=[3,4]],h]]]"))
    assert [str(spec) for spec in specs] == [
        f"a[b=c[d={d},e={e}]]" for d in (1, 2) for e in ("f[g=3]", "f[g=4]", "h")
    ]
