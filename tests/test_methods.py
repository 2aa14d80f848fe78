import copy
import dataclasses
import enum
import functools
from pathlib import Path

import numpy as np
import pytest

from sigbench import GMC, L1, InputError, LocalWiener, PerItem, Tuned
from sigbench.benchmark.methods.building import as_entry
from sigbench.benchmark.methods.describe import bind_problem_info, describe
from sigbench.benchmark.methods.functions import Function
from sigbench.benchmark.methods.resolve import Method, resolve, unsealed
from sigbench.benchmark.suites.suite import resolve_or_explain
from sigbench.core.fingerprint import digest, identity
from sigbench.transforms import DCT, DFT


def halve(noisy):
    return noisy / 2


def shrink(noisy, sigma):
    return noisy * (0 if sigma is None else 1 / (1 + np.mean(sigma)))


def optional(noisy, sigma=None):
    return noisy


def test_functions_get_sigma_only_if_they_have_the_parameter():
    y = np.ones((1, 1, 2))
    np.testing.assert_array_equal(Function(halve)(y, sigma=3.0), y / 2)
    np.testing.assert_array_equal(Function(shrink)(y, sigma=3.0), y / 4)
    assert (
        Function(halve).needs_sigma,
        Function(shrink).needs_sigma,
        Function(optional).needs_sigma,
    ) == (
        False,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("entry", "told", "known", "knowledge"),
    [
        (LocalWiener(), True, True, "sigma"),
        (LocalWiener(), True, False, "blind"),
        (LocalWiener(), False, True, "blind"),
        (LocalWiener(noise=1.0), True, True, "none"),
        (L1(lam=1.0), True, True, "none"),
        (L1(lam_over_sigma=1.0), True, True, "sigma"),
        (Tuned(L1(lam_over_sigma=1.0), {"lam_over_sigma": [1.0]}), True, True, "fitted"),
        (Function(halve), True, True, "none"),
        (Function(shrink), True, True, "sigma"),
    ],
)
def test_knowledge_is_the_strongest_that_applies(entry, told, known, knowledge):
    assert Method("x", entry, told).knowledge(known) == knowledge


def test_knowledge_of_limits():
    (limit,) = resolve("spikes-posterior-mean")
    (oracle,) = resolve("ideal-projection")
    assert (limit.knowledge(True), oracle.knowledge(True)) == ("prior", "oracle")


def test_a_default_sigma_is_kept_if_no_level_is_given():
    def f(noisy, sigma=3.0):
        return noisy * sigma

    np.testing.assert_array_equal(Function(f)(np.ones((1, 1, 2))), np.full((1, 1, 2), 3.0))
    np.testing.assert_array_equal(
        Function(f)(np.ones((1, 1, 2)), sigma=2.0), np.full((1, 1, 2), 2.0)
    )
    assert PerItem(shrink).needs_sigma


def plain_decorator(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def wraps_decorator(function):
    return functools.wraps(function)(plain_decorator(function))


def keywords(noisy, **options):
    return noisy * options.get("sigma", 1.0)


def positional(noisy, sigma, /):
    return noisy * sigma


def keyword_only(noisy, *, sigma):
    return noisy * sigma


def three(noisy, factor, sigma=1.0):
    return noisy * sigma * factor


class Callable:
    def method(self, noisy, sigma=1.0):
        return noisy * sigma

    def __call__(self, noisy, **options):
        return keywords(noisy, **options)


def times(noisy, sigma):
    return noisy * sigma


GIVEN = {  # each returns noisy * sigma
    "keywords": keywords,
    "positional only": positional,
    "keyword only": keyword_only,
    "decorated without wraps": plain_decorator(times),
    "decorated with wraps": wraps_decorator(times),
    "keywords, decorated": wraps_decorator(keywords),
    "twice decorated": plain_decorator(wraps_decorator(times)),
    "partial": functools.partial(three, factor=1.0),
    "partial of keywords": functools.partial(keywords, other=3),
    "partial of a decorated one": functools.partial(plain_decorator(times)),
    "partial that sets sigma": functools.partial(times, sigma=9.0),
    "bound method": Callable().method,
    "lambda": lambda noisy, sigma=1.0: noisy * sigma,
    "single dispatch": functools.singledispatch(times),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_function_that_can_take_sigma_gets_it(name):
    entry = as_entry(GIVEN[name])
    y = np.ones((2, 1, 4))
    np.testing.assert_array_equal(entry(y, sigma=2.0), 2 * y)
    levels = np.array([2.0, 3.0])
    np.testing.assert_array_equal(PerItem(GIVEN[name])(y, sigma=levels), y * levels[:, None, None])
    for method in (Method("m", entry, True), Method("m", PerItem(GIVEN[name]), True)):
        assert method.knowledge(True) == "sigma"


def test_a_call_without_a_level_passes_none_unless_sigma_is_required():
    y = np.ones((1, 1, 2))
    for function in (keywords, halve, wraps_decorator(keywords), optional):
        assert Function(function)(y).shape == y.shape
    assert Method("m", Function(keywords)).knowledge(True) == "none"
    assert Method("m", Function(optional)).knowledge(True) == "blind"
    seen = []
    Function(lambda noisy, sigma: seen.append(sigma))(y)
    assert seen == [None]


def test_per_item_sees_single_items(rng):
    y = rng.standard_normal((3, 1, 8))
    seen = []

    def f(item, sigma):
        seen.append((item.shape, sigma))
        return item * sigma

    levels = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(PerItem(f)(y, sigma=levels), y * levels[:, None, None])
    assert seen == [((8,), 1.0), ((8,), 2.0), ((8,), 3.0)]
    with pytest.raises(
        InputError, match=r"the estimate of an item of shape \(3, 4, 4\) has shape \(4, 4\)"
    ):
        PerItem(lambda item: item[0])(np.ones((1, 3, 4, 4)))


@dataclasses.dataclass(frozen=True)
class Needs:
    fs: float | None = None
    kernel: object = None
    inner: object = None


def test_problem_information_fills_fields_that_are_none():
    problem_info = {"fs": 8000.0, "lead_in": 10}
    bound = bind_problem_info(Needs(inner=Needs(fs=1.0, inner=Needs())), problem_info)
    assert bound == Needs(8000.0, None, Needs(1.0, None, Needs(8000.0)))
    assert bind_problem_info(halve, problem_info) is halve


@pytest.mark.usefixtures("here")
class TestUsersOwn:
    def write(self, here, name, text):
        (here / f"{name}.py").write_text(text)

    def test_function_class_object_and_sweep(self, here):
        self.write(
            here,
            "own_kinds",
            "from dataclasses import dataclass\nfrom sigbench import L1\n"
            "def f(noisy, sigma): return noisy\nready = L1(lam=2.0)\n"
            "@dataclass(frozen=True)\nclass Gain:\n    g: float = 1.0\n"
            "    def __call__(self, noisy, *, sigma=None): return self.g * noisy\n",
        )
        (function,) = resolve("own_kinds:f")
        assert function.sigma_given  # sigma is a parameter without a default
        assert unsealed(resolve("own_kinds:ready")[0]).entry == L1(lam=2.0)
        swept = map(unsealed, resolve("own_kinds:Gain[g=[0.5,2]]"))
        assert [m.entry.g for m in swept] == [0.5, 2.0]
        assert resolve("own_kinds:Gain[sigma=given]")[0].sigma_given
        with pytest.raises(InputError, match=r"unknown parameter of own_kinds:Gain 'h'"):
            resolve("own_kinds:Gain[h=1]")
        with pytest.raises(InputError, match="takes no parameters"):
            resolve("own_kinds:f[g=1]")
        with pytest.raises(InputError, match=r"'ff': did you mean 'f'"):
            resolve("own_kinds:ff")

    def test_the_key_follows_the_source_and_that_of_its_helpers(self, here):
        self.write(here, "own_helper", "GAIN = 1\n")
        self.write(
            here, "own_main", "from own_helper import GAIN\ndef f(noisy): return GAIN * noisy\n"
        )
        before = resolve("own_main:f")[0].key
        assert resolve("own_main:f")[0].key == before
        self.write(here, "own_helper", "GAIN = 2\n")
        assert resolve("own_main:f")[0].key != before

    def test_the_key_follows_what_is_imported_inside_a_function(self, here):
        self.write(
            here,
            "sigbench_like",
            "def f(noisy):\n    import own_late\n    return own_late.g * noisy\n",
        )
        self.write(here, "own_late", "g = 1\n")
        before = resolve("sigbench_like:f")[0].key
        self.write(here, "own_late", "g = 2\n")
        assert resolve("sigbench_like:f")[0].key != before

    def test_the_key_of_a_package_follows_its_modules_only(self, here):
        (here / "own_pkg").mkdir()
        self.write(
            here, "own_pkg/__init__", "from own_pkg.a import f\nfrom own_pkg.b import f as g\n"
        )
        self.write(here, "own_pkg/a", "def f(noisy): return noisy\n")
        self.write(here, "own_pkg/b", "def f(noisy): return 2 * noisy\n")
        self.write(here, "own_beside", "def f(noisy): return noisy\n")
        before = resolve("own_pkg:g")[0].key
        assert resolve("own_pkg.a:f")[0].key != resolve("own_pkg.b:f")[0].key
        resolve("own_beside:f")
        assert resolve("own_pkg:g")[0].key == before
        self.write(here, "own_pkg/b", "def f(noisy): return 3 * noisy\n")
        assert resolve("own_pkg:g")[0].key != before

    @pytest.mark.parametrize(
        ("module", "text", "helper"),
        [
            ("own_ns/m", "def f(noisy): return noisy\n", "own_ns/m"),
            ("own_ns/sub/n", "from ..h import g\ndef f(noisy): return g * noisy\n", "own_ns/h"),
            ("own_star", "from own_starred import *\ndef f(noisy): return noisy\n", "own_starred"),
            ("own_dots", "import own_ns2.deep\ndef f(noisy): return noisy\n", "own_ns2/deep"),
        ],
    )
    def test_the_key_follows_folders_without_init_and_relative_imports(
        self, here, module, text, helper
    ):
        for folder in ("own_ns/sub", "own_ns2", "scipy"):  # one named like an installed package
            (here / folder).mkdir(parents=True)
        self.write(here, helper, "g = 1\n")
        self.write(here, module, text)
        name = module.replace("/", ".")
        before = resolve(f"{name}:f")[0].key
        with (here / f"{helper}.py").open("a") as file:
            file.write("# edited\n")
        assert resolve(f"{name}:f")[0].key != before

    def test_a_module_that_exits_is_an_error(self, here):
        self.write(here, "own_exit", "import sys\nsys.exit(0)\n")
        with pytest.raises(InputError, match=r"cannot import 'own_exit'.*SystemExit"):
            resolve("own_exit:f")

    def test_attributes_of_one_module_have_different_keys(self, here):
        self.write(
            here,
            "own_many",
            "import functools\na = lambda y: y\nb = lambda y: 2 * y\n"
            "class C:\n    def __init__(self, g=1): self.g = g\n"
            "    def __call__(self, noisy, *, sigma=None): return self.g * noisy\n"
            "c, d = C(1), C(2)\ne = functools.partial(a)\n",
        )
        assert len({resolve(f"own_many:{name}")[0].key for name in "abcdeC"}) == 6

    def test_a_class_that_cannot_be_created_is_refused(self, here):
        self.write(
            here,
            "own_needy",
            "from dataclasses import dataclass\nclass Needs:\n    def __init__(self, a): pass\n"
            "@dataclass(frozen=True)\nclass Checks:\n    k: int = 0\n"
            "    def __post_init__(self):\n        if self.k < 0: raise ValueError(f'k={self.k}')\n",
        )
        with pytest.raises(InputError, match=r"own_needy:Needs: TypeError: .*'a'"):
            resolve("own_needy:Needs")
        with pytest.raises(InputError, match=r"own_needy:Checks\[k=-1\]: ValueError: k=-1"):
            resolve("own_needy:Checks[k=-1]")

    def test_a_dataclass_is_created_by_its_init(self, here):
        self.write(
            here,
            "own_init",
            "from dataclasses import dataclass\n"
            "@dataclass(init=False)\nclass Own:\n    a: int\n"
            "    def __init__(self, a=3): self.a = a\n"
            "    def __call__(self, noisy, *, sigma=None): return noisy\n"
            "@dataclass\nclass Needs:\n    a: int\n"
            "    def __call__(self, noisy, *, sigma=None): return noisy\n",
        )
        assert unsealed(resolve("own_init:Own")[0]).entry.a == 3
        assert unsealed(resolve("own_init:Needs[a=2]")[0]).entry.a == 2
        with pytest.raises(InputError, match=r"a must be set, as in own_init:Needs\[a=\.\.\.\]"):
            resolve("own_init:Needs")

    def test_a_class_without_info_that_is_given_sigma(self, here):
        self.write(
            here,
            "own_told",
            "class T:\n    def __call__(self, noisy, *, sigma=None): return noisy\n",
        )
        told, untold = resolve("own_told:T[sigma=given]")[0], resolve("own_told:T")[0]
        assert (told.knowledge(True), told.knowledge(False), untold.knowledge(True)) == (
            "sigma",
            "none",
            "none",
        )

    @pytest.mark.parametrize(
        "name",
        ["plain", "fixed", "wrapped", "args", "swapped", "partial", "one", "one_args", "compiled"],
    )
    def test_a_function_that_cannot_take_sigma_is_refused_if_it_is_given(self, here, name):
        self.write(
            here,
            "own_refused",
            "import functools, sigbench, numpy as np\n"
            "def plain(noisy): return noisy\n"
            "def f(noisy, sigma): return noisy\n"
            "def fixed(noisy): return f(noisy, 3.0)\n"
            "@functools.wraps(f)\ndef wrapped(noisy): return f(noisy, 3.0)\n"
            "def args(*args): return f(*args)\n"
            "def swapped(sigma, noisy, /): return noisy\n"
            "partial = functools.partial(plain)\n"
            "one, one_args = sigbench.PerItem(plain), sigbench.PerItem(args)\n"
            "compiled = np.array\n",
        )
        with pytest.raises(
            InputError, match=rf"own_refused:{name}\[sigma=given\] cannot be given the noise level"
        ):
            resolve(f"own_refused:{name}[sigma=given]")
        with pytest.raises(InputError, match="has no parameter sigma"):
            resolve(f"own_refused:{name}", sigma_given=True)  # as in a suite: sigma = "given"
        assert not resolve(f"own_refused:{name}")[0].sigma_given

    def test_an_object_that_does_not_use_sigma_is_refused_if_it_is_given(self, here):
        self.write(
            here,
            "own_objects",
            "import sigbench\nfrom sigbench import Median\nready = Median()\n"
            "class Needy:\n    def __call__(self, noisy): return noisy\n"
            "class Open:\n    def __call__(self, noisy, **options): return noisy\n",
        )
        with pytest.raises(
            InputError, match=r"ready\[sigma=given\] .*uses_sigma=False in its info"
        ):
            resolve("own_objects:ready[sigma=given]")
        with pytest.raises(
            InputError, match=r"must accept the keyword sigma: __call__\(self, noisy"
        ):
            resolve("own_objects:Needy")
        assert resolve("own_objects:Open[sigma=given]")[0].knowledge(True) == "sigma"

    def test_a_module_that_fails_is_named(self, here):
        self.write(here, "own_broken", "1 / 0\n")
        with pytest.raises(InputError, match=r"cannot import 'own_broken'.*ZeroDivisionError"):
            resolve("own_broken:f")
        with pytest.raises(InputError, match=r"'\.\./own' must be a module in the working dir"):
            resolve("../own:f")
        with pytest.raises(InputError, match=r"'own\.py' must be a module .*the file mine\.py"):
            resolve("own.py:f")
        with pytest.raises(InputError, match=r"cannot import 'own_absent'.*ModuleNotFoundError"):
            resolve("own_absent:f")

    def test_the_name_of_a_file_is_explained(self, here):
        self.write(here, "own_file", "def f(noisy):\n    return noisy\n")
        for text in ("own_file", "own_file.py"):
            with pytest.raises(InputError, match=r"of own_file\.py is named own_file:F"):
                resolve_or_explain(text)
        with pytest.raises(InputError, match="one of: "):
            resolve_or_explain("own_absent.py")

    def test_an_object_that_is_not_a_method_is_refused(self, here):
        self.write(here, "own_number", "x = 3\n")
        with pytest.raises(InputError, match="3 is not a method"):
            resolve("own_number:x")


def test_identity_names_registered_things_and_versions():
    named = identity(GMC(DFT(), lam=1.0))
    assert named["is"] == "gmc v1"
    assert named["gamma"] == 0.8
    assert identity(GMC(DCT(), lam=1.0)) != named
    one, two = identity(np.arange(3.0)), identity(np.arange(3.0) + 1e-9)
    assert one != two


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.int64(1), np.int64(2)),
        (np.float32(1), np.float32(2)),
        (np.longdouble(1), np.longdouble(2)),
        (1j, 2j),
        (b"a", b"b"),
        (Path("a"), Path("b")),
        (Colour.RED, Colour.BLUE),
        (functools.partial(shrink, sigma=1.0), functools.partial(shrink, sigma=2.0)),
        (functools.partial(shrink, 1), functools.partial(halve, 1)),
    ],
)
def test_different_objects_have_different_identities(one, two):
    assert digest(identity(one)) == digest(identity(copy.deepcopy(one)))
    assert digest(identity(one)) != digest(identity(two))


def test_partial_functions_are_methods():
    entry = as_entry(functools.partial(shrink, sigma=1.0))
    np.testing.assert_array_equal(entry(np.ones((1, 1, 2)), sigma=3.0), np.full((1, 1, 2), 0.25))
    assert Method("p", entry, sigma_given=True).knowledge(True) == "sigma"


def test_describe_lists_the_parameters_that_are_set():
    assert (
        describe(L1(DFT(), lam=1.0))
        == "transform=dft, lam=1, nonneg=false, solver=exact[tol=1e-06]"
    )
    assert describe(Function(halve)) == ""
