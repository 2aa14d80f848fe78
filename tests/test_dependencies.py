"""What the key of a user's method covers: imported code, distributions, files and variables."""

import importlib
import importlib.machinery
import py_compile
import site
import sys
import zipfile

import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.engine.isolated import Remote, isolated
from sigbench.benchmark.methods.resolve import check_unchanged, resolve
from sigbench.core import dependencies, sources
from sigbench.core.dependencies import declared
from sigbench.core.fingerprint import source_digest
from sigbench.core.sources import code_of, import_module

SO = importlib.machinery.EXTENSION_SUFFIXES[0]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working directory ``here`` and a folder ``lib``, both on the path; modules are forgotten."""
    for name in ("lib", "here"):
        (tmp_path / name).mkdir()
        monkeypatch.syspath_prepend(str(tmp_path / name))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    sources._LOADED.clear()
    dependencies._VERIFIED.clear()


def write(folder, files):
    """Write files: sources as text, others as bytes; a file in ``x.zip/`` goes into that archive."""
    for name, content in files.items():
        archive, inside, member = name.partition(".zip/")
        path = folder / (f"{archive}.zip" if inside else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if inside:
            with zipfile.ZipFile(path, "w") as file:
                file.writestr(member, content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


LATE = "def f(noisy):\n    {}\n    return noisy\n"
FINDER = """
import importlib.util, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "mapped":
            return importlib.util.spec_from_file_location(name, {!r})
sys.meta_path.append(Finder)
"""

# By case: the files, the file that is edited (its new content is the old one and a comment), and
# the module that is used (default: mine). Paths in ``lib`` are on Python's path, those in ``off`` not.
CASES = {
    "another entry of the path": (
        {"here/mine.py": "import mylib\n", "lib/mylib.py": "gain = 0.5\n"},
        "lib/mylib.py",
    ),
    "names that a package re-exports": (
        {
            "here/mine.py": "from pkg import gain\n",
            "lib/pkg/__init__.py": "from pkg.core import gain\n",
            "lib/pkg/core.py": "gain = 1\n",
        },
        "lib/pkg/core.py",
    ),
    "the package of a submodule": (
        {
            "here/mine.py": LATE.format("from pkg.sub import gain"),
            "lib/pkg/__init__.py": "",
            "lib/pkg/sub.py": "gain = 1\n",
        },
        "lib/pkg/__init__.py",
    ),
    "star": (
        {"here/mine.py": "from stars import *\n", "lib/stars.py": "gain = 1\n"},
        "lib/stars.py",
    ),
    "star of a package with __all__": (
        {
            "here/mine.py": "from pkg import *\n",
            "lib/pkg/__init__.py": "__all__ = ['part']\n",
            "lib/pkg/part.py": "gain = 1\n",
        },
        "lib/pkg/part.py",
    ),
    "conditional": (
        {
            "here/mine.py": "try:\n    import fast\nexcept ImportError:\n    import slow\n",
            "lib/slow.py": "",
        },
        "lib/slow.py",
    ),
    "inside a function": (
        {
            "here/mine.py": LATE.format("import late"),
            "lib/late.py": "import later\n",
            "lib/later.py": "",
        },
        "lib/later.py",
    ),
    "inside a coroutine of a class": (
        {
            "here/mine.py": "class C:\n    async def f(self):\n        import late\n",
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "relative": (
        {
            "here/own/__init__.py": "",
            "here/own/sub/__init__.py": "",
            "here/own/sub/mine.py": "from ..helper import gain\n",
            "here/own/helper.py": "gain = 1\n",
        },
        "here/own/helper.py",
        "own.sub.mine",
    ),
    "relative, of a whole module": (
        {
            "here/own/__init__.py": "from . import part\n",
            "here/own/part.py": "from .deep import *\n",
            "here/own/deep.py": "",
        },
        "here/own/deep.py",
        "own",
    ),
    "nested folders without __init__": (
        {
            "here/mine.py": LATE.format("import space.inner.deep"),
            "lib/space/inner/deep.py": "",
        },
        "lib/space/inner/deep.py",
    ),
    "a folder without __init__ in two places": (
        {
            "here/space/one.py": "",
            "here/mine.py": LATE.format("from space import two"),
            "lib/space/two.py": "",
        },
        "lib/space/two.py",
    ),
    "compiled": (
        {"here/mine.py": LATE.format("import fast"), f"lib/fast{SO}": b"\x7fELF"},
        f"lib/fast{SO}",
    ),
    "compiled, in a package": (
        {
            "here/mine.py": LATE.format("from pkg import fast"),
            "lib/pkg/__init__.py": "",
            f"lib/pkg/fast{SO}": b"\x7fELF",
        },
        f"lib/pkg/fast{SO}",
    ),
    "import_module": (
        {
            "here/mine.py": "import importlib\n" + LATE.format("importlib.import_module('late')"),
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "import_module, relative": (
        {
            "here/own/__init__.py": "",
            "here/own/mine.py": "from importlib import import_module\n"
            + LATE.format("import_module('.late', __package__)"),
            "here/own/late.py": "",
        },
        "here/own/late.py",
        "own.mine",
    ),
    "__import__": (
        {"here/mine.py": LATE.format("__import__('late')"), "lib/late.py": ""},
        "lib/late.py",
    ),
    "a computed name": (
        {
            "here/mine.py": "import importlib\nplug = importlib.import_module('plug_' + 'a')\n",
            "lib/plug_a.py": LATE.format("import late"),
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "plugins that register themselves": (
        {
            "here/mine.py": "import host\nhost.load()\n",
            "lib/host.py": "import pkgutil, plugins\nfound = []\ndef load():\n"
            "    for one in pkgutil.iter_modules(plugins.__path__):\n"
            "        __import__(f'plugins.{one.name}')\n",
            "lib/plugins/__init__.py": "",
            "lib/plugins/a.py": "import host\nhost.found.append('a')\n",
        },
        "lib/plugins/a.py",
    ),
    "from a file, by its path": (
        {
            "here/mine.py": "import importlib.util as u, sys\n"
            "s = u.spec_from_file_location('placed', '../off/placed.py')\n"
            "sys.modules['placed'] = m = u.module_from_spec(s)\ns.loader.exec_module(m)\n",
            "off/placed.py": "",
        },
        "off/placed.py",
    ),
    "the path is extended by the module": (
        {
            "here/mine.py": "import sys\nsys.path.append('../off')\n" + LATE.format("import far"),
            "off/far.py": "",
        },
        "off/far.py",
    ),
    "a package extends its own path": (
        {
            "here/mine.py": LATE.format("import pkg.far"),
            "here/start.py": "import pkg, mine\n",
            "lib/pkg/__init__.py": "__path__.append('../off')\n",
            "off/far.py": "",
        },
        "off/far.py",
        "start",
    ),
    "a finder, as of an editable installation": (
        {
            "here/mine.py": FINDER.format("../off/elsewhere.py") + LATE.format("import mapped"),
            "off/elsewhere.py": "",
        },
        "off/elsewhere.py",
    ),
    "in a zip file": (
        {
            "here/mine.py": "import sys\nsys.path.append('../off/all.zip')\nimport zipped\n",
            "off/all.zip/zipped.py": "gain = 1\n",
        },
        "off/all.zip/zipped.py",
    ),
    "in a zip file, later": (
        {
            "here/mine.py": "import sys\nsys.path.append('../off/all.zip')\n"
            + LATE.format("import zipped"),
            "off/all.zip/zipped.py": "gain = 1\n",
        },
        "off/all.zip/zipped.py",
    ),
    "circular": (
        {
            "here/mine.py": "import one\n",
            "lib/one.py": "import two\n",
            "lib/two.py": "import one\nimport mine\n",
        },
        "lib/two.py",
    ),
    "a syntax error in a module that is imported later": (
        {"here/mine.py": LATE.format("import broken"), "lib/broken.py": "def ("},
        "lib/broken.py",
    ),
    "a null byte in a module that is imported later": (
        {"here/mine.py": LATE.format("import broken"), "lib/broken.py": "a = 1\0"},
        "lib/broken.py",
    ),
    "a warning about the syntax": (
        {
            "here/mine.py": LATE.format("import odd"),
            "lib/odd.py": "'\\d'\nimport late\n",
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "another encoding": (
        {
            "here/mine.py": "# -*- coding: latin-1 -*-\na = 'é'\n".encode("latin-1")
            + LATE.format("import late").encode(),
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "named like a module of the standard library": (
        {"here/mine.py": LATE.format("import turtle"), "lib/turtle.py": ""},
        "lib/turtle.py",
    ),
    "beside a broken module in a zip file": (
        {
            "here/mine.py": "import sys\nsys.path.append('../off/other.zip')\n"
            + LATE.format("import broken, late"),
            "off/other.zip/broken.py": "def (",
            "lib/late.py": "",
        },
        "lib/late.py",
    ),
    "only for type checkers": (
        {
            "here/mine.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import kinds\n",
            "lib/kinds.py": "",
        },
        "lib/kinds.py",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_edit_of_imported_code_changes_the_digest(place, case):
    files, edited, name = (*CASES[case], "mine")[:3]
    write(place, files)
    import_module(name)
    before = source_digest(name)
    assert source_digest(name) == before
    content = files[edited]
    write(place, {edited: content + (b"#" if isinstance(content, bytes) else "# edited\n")})
    assert source_digest(name) != before


def test_what_is_not_imported_does_not_change_the_digest(place):
    write(place, {"here/mine.py": "import os\n", "here/beside.py": "", "lib/beside2.py": ""})
    import_module("mine")
    import_module("beside")
    assert code_of("mine") == (("mine",), ())


def test_a_standard_module_and_those_of_sigbench_are_left_out(place):
    text = (
        "import turtle, json.tool, sigbench, sigbench.core.rng, numpy, scipy.signal, pywt, torch\n"
    )
    write(place, {"here/mine.py": LATE.format(text)})
    import_module("mine")
    assert code_of("mine") == (("mine",), ())


def test_a_method_of_one_of_the_requirements_has_its_version_in_the_key():
    import_module("scipy.ndimage")
    assert code_of("scipy.ndimage") == ((), ("scipy",))


def test_a_symlinked_module_and_package(place):
    files = {"here/mine.py": "import one, pkg.two\n", "off/real.py": "", "off/pkg/two.py": ""}
    write(place, files)
    (place / "lib/one.py").symlink_to(place / "off/real.py")
    (place / "lib/pkg").symlink_to(place / "off/pkg")
    import_module("mine")
    digests = {source_digest("mine")}
    for name in ("off/real.py", "off/pkg/two.py"):
        write(place, {name: "a = 1\n"})
        digests.add(source_digest("mine"))
    assert len(digests) == 3


def test_a_module_without_source(place):
    write(place, {"here/mine.py": "import bare\n", "off/bare.py": "gain = 1\n"})
    compiled = str(place / "lib/bare.pyc")
    py_compile.compile(str(place / "off/bare.py"), cfile=compiled, doraise=True)
    import_module("mine")
    before = source_digest("mine")
    write(place, {"off/bare.py": "gain = 2\n"})
    py_compile.compile(str(place / "off/bare.py"), cfile=compiled, doraise=True)
    assert source_digest("mine") != before


def test_a_path_file(place):
    write(place, {"site/own.pth": str(place / "off") + "\n", "off/far.py": ""})
    write(place, {"here/mine.py": LATE.format("import far")})
    site.addsitedir(str(place / "site"))
    import_module("mine")
    assert code_of("mine").modules == ("far", "mine")


def test_of_two_modules_with_one_name_the_one_that_is_used_counts(place):
    write(place, {"here/mine.py": "import util\n", "here/util.py": "", "lib/util.py": ""})
    import_module("mine")
    before = source_digest("mine")
    write(place, {"lib/util.py": "gain = 2\n"})
    assert source_digest("mine") == before
    write(place, {"here/util.py": "gain = 2\n"})
    assert source_digest("mine") != before


def test_a_module_that_appears_or_goes_changes_the_digest(place):
    write(place, {"here/mine.py": LATE.format("import extra")})
    import_module("mine")
    before = source_digest("mine")
    write(place, {"lib/extra.py": ""})
    assert source_digest("mine") != before
    (place / "lib/extra.py").unlink()
    assert source_digest("mine") == before


def test_the_digest_does_not_depend_on_where_the_code_is(place):
    files = {"mine.py": "import pkg.part\n", "pkg/__init__.py": "", "pkg/part.py": ""}
    digests = set()
    for folder in ("here", "lib"):
        write(place / folder, files)
        import_module("mine")
        digests.add(source_digest("mine"))
        for name in files:
            (place / folder / name).unlink()
        for name in ("mine", "pkg", "pkg.part"):
            del sys.modules[name]
    assert len(digests) == 1


class TestDistributions:
    def install(
        self, place, name="foo", version="1.0", *, extra="", record=True, folder="lib", files=()
    ):
        """Install a distribution with files in a folder of the path."""
        sources = dict(files)
        write(place / folder, sources)
        info = f"{folder}/{name}-{version}.dist-info"
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}"
        write(place, {f"{info}/METADATA": about})
        if record:
            lines = [f"{key},sha256={len(text)},1" for key, text in sources.items()]
            write(place, {f"{info}/RECORD": "\n".join([*lines, f"{info}/METADATA,,"])})
        return place / info

    def replace(self, place, info, *args, **kwargs):
        for file in info.iterdir():
            file.unlink()
        info.rmdir()
        return self.install(place, *args, **kwargs)

    def imported(self, place, text="import foo\n"):
        write(place, {"here/mine.py": text})
        import_module("mine")
        return source_digest("mine")

    def test_an_installed_distribution_counts_by_its_version(self, place):
        info = self.install(place, files={"foo.py": "def ("})  # it is not even read
        before = self.imported(place, LATE.format("import foo"))
        assert code_of("mine") == (("mine",), ("foo",))
        write(place, {"lib/foo.py": "gain = 2\n"})
        assert source_digest("mine") == before
        self.replace(place, info, version="1.1", files={"foo.py": ""})
        assert source_digest("mine") != before

    def test_so_do_its_requirements_but_not_those_of_sigbench(self, place):
        extra = "Requires-Dist: Bar_baz>=1\nRequires-Dist: numpy\nRequires-Dist: absent\n"
        extra += "Requires-Dist: older (>dev)\nRequires-Dist: other; extra == 'more'\nRequires-Dist: old; python_version < '3'\n"
        self.install(place, extra=extra, files={"foo.py": ""})
        for name in ("other", "old", "older"):
            self.install(place, name)
        info = self.install(place, "bar.baz", extra="Requires-Dist: foo\n")
        before = self.imported(place)
        assert code_of("mine").distributions == ("bar-baz", "foo", "older")
        self.replace(place, info, "bar.baz", "2.0")
        assert source_digest("mine") != before

    def test_a_large_one_takes_no_search(self, place, monkeypatch):
        files = {f"foo/m{i}.py": f"import foo.m{i + 1}\n" for i in range(50)}
        self.install(place, files={"foo/__init__.py": "import foo.m0\n", "foo/m50.py": "", **files})
        write(place, {"here/mine.py": "import foo\n"})
        import_module("mine")
        read = []
        monkeypatch.setattr(sources, "_content", lambda spec: read.append(spec.name))
        code_of("mine")
        assert read == ["mine"]

    def test_one_from_a_folder_counts_by_the_record_of_its_files(self, place):
        info = self.install(place, files={"foo.py": "a"})
        write(place, {f"lib/{info.name}/direct_url.json": '{"dir_info": {}}'})
        before = self.imported(place, LATE.format("import foo"))
        self.install(place, files={"foo.py": "ab"})
        assert source_digest("mine") != before

    def test_an_editable_one_counts_by_content(self, place):
        info = self.install(place, folder="site")  # its record does not have the source
        write(place, {"site/foo.pth": str(place / "src"), "src/foo/__init__.py": "gain = 1\n"})
        write(place, {f"site/{info.name}/direct_url.json": '{"dir_info": {"editable": true}}'})
        site.addsitedir(str(place / "site"))
        before = self.imported(place)
        write(place, {"src/foo/__init__.py": "gain = 2\n"})
        assert source_digest("mine") != before

    def test_a_file_that_no_distribution_installed_counts_by_content(self, place):
        self.install(place, files={"foo.py": ""})
        write(place, {"lib/stray.py": ""})
        self.imported(place, "import foo, stray\n")
        assert code_of("mine") == (("mine", "stray"), ("foo",))

    def test_a_folder_that_distributions_share(self, place):
        self.install(place, "one", files={"space/a.py": ""})
        self.install(place, "two", files={"space/b.py": ""})
        self.imported(place, "import space.b\n")
        assert code_of("mine") == (("mine",), ("two",))

    def test_one_without_a_record_counts_by_version_in_a_site_folder_only(self, place, monkeypatch):
        """As packages of a system have it; beside a source, such a folder is from its build."""
        monkeypatch.syspath_prepend(str(place / "dist-packages"))
        self.install(place, "foo", record=False, folder="dist-packages", files={"foo/part.py": ""})
        self.install(place, "bar", record=False, files={"bar.py": ""})
        self.imported(place, "import foo.part, bar\n")
        assert code_of("mine") == (("bar", "mine"), ("foo",))

    def test_one_that_is_imported_by_a_computed_name(self, place):
        self.install(place, files={"foo.py": ""})
        self.imported(place, "import importlib\nimportlib.import_module('f' + 'oo')\n")
        assert code_of("mine").distributions == ("foo",)


def check_source(method):
    """Check a method as a worker does, and its code in a process of its own."""
    check_unchanged(method)
    problem = load("table1").problems[0]
    ended = isolated(method.entry, None, lambda process: Remote(process, method.entry, problem))
    if ended.error:
        raise RuntimeError(ended.error)


class TestDuringARun:
    def test_an_edit_of_anything_that_the_key_covers_is_an_error(self, place):
        write(
            place,
            {
                "here/mine.py": "import loaded\n" + LATE.format("import late"),
                "lib/loaded.py": "",
                "lib/late.py": "",
                "here/w.txt": "1",
            },
        )
        (method,) = resolve("mine:f[depends_on=w.txt]")
        check_source(method)
        write(place, {"lib/loaded.py": "gain = 2\n"})
        with pytest.raises(RuntimeError, match="the source of loaded has changed since the run s"):
            check_source(method)
        write(place, {"lib/loaded.py": "", "lib/late.py": "gain = 2\n"})
        with pytest.raises(RuntimeError, match="the source of late has changed since the run star"):
            check_source(method)
        write(place, {"lib/late.py": "", "here/w.txt": "2"})
        with pytest.raises(
            RuntimeError, match=r"the file w\.txt has changed since the run started"
        ):
            check_source(method)

    def test_a_worker_with_another_version_is_an_error(self, place):
        write(place, {"here/mine.py": "import mylib\n" + LATE.format(""), "lib/mylib.py": ""})
        (method,) = resolve("mine:f")
        write(place, {"lib/mylib.py": "gain = 2\n"})
        with pytest.raises(RuntimeError, match="the source of mylib has changed"):
            check_source(method)

    def test_an_edit_before_a_call_imports_it_is_an_error(self, place):
        write(place, {"here/late.py": "gain = 1\n"})
        edit = "import pathlib; pathlib.Path('late.py').write_text('gain = 2')"
        write(
            place,
            {
                "here/mine.py": LATE.format(edit).replace(
                    "return noisy", "import late; return late.gain * noisy"
                )
            },
        )
        suite = load("table1").select(methods=["noisy", "mine:f"], items=2, seeds=[1])
        assert run_suite(suite, place / "run").failed == 1
        failures = (place / "run/failures.jsonl").read_text()
        assert "the source of late has changed since the run started" in failures

    def test_a_variable_with_another_value_is_an_error(self, place, monkeypatch):
        write(place, {"here/mine.py": LATE.format("")})
        (method,) = resolve("mine:f[depends_on=env:SIGBENCH_TEST_GAIN]")
        monkeypatch.setenv("SIGBENCH_TEST_GAIN", "3")
        with pytest.raises(
            RuntimeError, match="environment variable SIGBENCH_TEST_GAIN has changed"
        ):
            check_source(method)


class TestDependsOn:
    @pytest.fixture(autouse=True)
    def files(self, place):
        write(place, {"here/mine.py": LATE.format(""), "here/a.bin": b"a", "here/b.bin": b"b"})

    def key(self, text):
        return resolve(f"mine:f[{text}]")[0].key

    def test_the_key_follows_the_content_of_files(self, place):
        keys = [resolve("mine:f")[0].key, self.key("depends_on=a.bin")]
        keys += [self.key("depends_on=[a.bin,b.bin]"), self.key("depends_on=b.bin")]
        write(place, {"here/a.bin": b"c"})
        keys += [self.key("depends_on=a.bin"), self.key("depends_on=[a.bin,b.bin]")]
        assert len(set(keys)) == 6
        write(place, {"here/a.bin": b"a"})
        assert self.key("depends_on=a.bin") == keys[1]

    def test_it_is_no_sweep_and_not_part_of_the_name(self):
        (method,) = resolve("mine:f[depends_on=[a.bin,b.bin,a.bin]]")
        assert method.name == "mine:f"
        assert [one.name for one in method.depends_on] == ["a.bin", "b.bin"]

    def test_the_key_follows_the_value_of_a_variable_which_is_not_stored(self, monkeypatch):
        monkeypatch.delenv("OWN_TOKEN", raising=False)
        keys = [self.key("depends_on=env:OWN_TOKEN")]
        for value in ("", "secret-4711", "\udcff"):
            monkeypatch.setenv("OWN_TOKEN", value)
            keys.append(self.key("depends_on=env:OWN_TOKEN"))
            assert not value or value not in repr(resolve("mine:f[depends_on=env:OWN_TOKEN]"))
        assert len(set(keys)) == 4

    @pytest.mark.parametrize(
        ("listed", "message"),
        [
            (["absent.bin"], "depends_on: 'absent.bin': no such file"),
            (["."], "depends_on: '.' is a folder: list its files"),
            ([""], "depends_on: '' must be the path of a file, or env:NAME"),
            (["env:"], "depends_on: 'env:' must be the path of a file, or env:NAME"),
            ([3], "depends_on: 3 must be the path of a file, or env:NAME"),
            ([["a.bin"]], r"depends_on: \['a.bin'\] must be the path of a file, or env:NAME"),
            (["a\0"], r"depends_on: 'a\\x00': no such file"),
            (["/dev/null"], "depends_on: '/dev/null': no such file"),
        ],
    )
    def test_an_invalid_entry_is_refused(self, place, listed, message):
        with pytest.raises(InputError, match=message):
            declared(listed, place / "here")

    def test_a_spec_with_a_missing_file_is_refused(self):
        with pytest.raises(InputError, match=r"depends_on: 'c\.bin': no such file"):
            resolve("mine:f[depends_on=[a.bin,c.bin]]")
