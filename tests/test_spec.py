import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigbench import DENOISERS, InputError
from sigbench.config.registry import build
from sigbench.config.spec import Spec, exact, expand, parse

# All text but NUL and unpaired surrogates, which no file can contain.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
words = texts | st.sampled_from(["true", "None", "1", "1e5", "nan", "-inf", "1_0", "[", '"', "a b"])
scalars = (
    words
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
)


def params(values, least=0):
    return st.dictionaries(words, values, min_size=least, max_size=3).map(
        lambda d: tuple(d.items())
    )


def extended(values):
    """Lists and nested specs; a nested name without parameters is a word, not a spec."""
    lists = st.lists(values, min_size=1, max_size=3).map(tuple)
    return values | lists | st.builds(Spec, words, params(values, least=1))


specs = st.builds(Spec, words, params(st.recursive(scalars, extended, max_leaves=5)))


def typed(value):
    """Return a value with the types of everything but numbers: 2 and 2.0 have one text form."""
    if isinstance(value, Spec):
        return (value.name, tuple((key, typed(own)) for key, own in value.params))
    if isinstance(value, tuple):
        return [typed(own) for own in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (float if number else type(value), value)


@given(specs)
def test_what_is_written_is_read_back(spec):
    assert parse(str(spec)) == spec
    assert typed(parse(str(spec))) == typed(spec)
    assert typed(parse(exact(spec))) == typed(spec)
    assert str(spec).isprintable()


@given(st.text(alphabet='ab[]=,. 1"\\', max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        spec = parse(text)
    except InputError:
        return
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ('f[path="my data, part [1]"]', "my data, part [1]", None),
        ('f[path="a=b"]', "a=b", None),
        ('f[path=" a "]', " a ", None),
        ('f[path="1"]', "1", None),
        ('f[path="none"]', "none", None),
        ('f[path=""]', "", None),
        (r'f[path="a\nb\"c\u2028"]', 'a\nb"c\u2028', None),
        ('f[path="plain"]', "plain", "f[path=plain]"),
        ('f[path=say "x"]', 'say "x"', None),
        ("f[path= a b ]", "a b", "f[path=a b]"),
        ('f[path="a\nb"]', "a\nb", r'f[path="a\nb"]'),
        ("f[path=0.12345678]", 0.12345678, None),
        ("f[path=2.50]", 2.5, "f[path=2.5]"),
    ],
)
def test_quotes(text, value, written):
    spec = parse(text)
    assert spec == Spec("f", (("path", value),))
    assert str(spec) == (written or text)


def test_names_and_parameters_are_quoted_too():
    text = '"odd, name"["k=y"=[1,"2"],d="in ner"[x=1]]'
    spec = parse(text)
    assert spec.name == "odd, name"
    assert spec.params == (("k=y", (1, "2")), ("d", Spec("in ner", (("x", 1),))))
    assert str(spec) == '"odd, name"["k=y"=[1,"2"],d=in ner[x=1]]'


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
