"""`sigbench bundle`: what is packed, what is refused, and how a stranger's bundle is read."""

import dataclasses
import hashlib
import json
import os
import shutil
import stat
import tomllib
import zipfile
from pathlib import Path

import pytest

from sigbench.benchmark.bundle import contents as contents_module
from sigbench.benchmark.bundle.archive import archive, opened
from sigbench.benchmark.bundle.contents import Contents, collect
from sigbench.benchmark.bundle.texts import requirements
from sigbench.benchmark.engine.secret import read_secret
from sigbench.benchmark.run_suite import run_suite
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import load
from sigbench.cli.main import main
from sigbench.core.errors import InputError
from sigbench.networks.pretrained.weights import save, shipped

QUICK = ["--items", "5", "--seeds", "1", "-j", "1", "--quiet"]
MARK = "imported"  # a file that the code of the bundle writes when it is imported


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with own code and weights, a run of them, and its bundle."""
    here = tmp_path_factory.mktemp("bundle")
    before = os.getcwd()
    os.chdir(here)
    try:
        (here / "pkg").mkdir()
        (here / "pkg" / "__init__.py").write_text("")
        (here / "pkg" / "gain.py").write_text("GAIN = 0.5\n")
        (here / "mine.py").write_text(
            "import os\nfrom pathlib import Path\nfrom pkg.gain import GAIN\n"
            f"if os.environ.get('{MARK}'):\n    Path(os.environ['{MARK}']).touch()\n"
            "def half(noisy, sigma=None):\n"
            "    return noisy * GAIN * float(Path('one.txt').read_text())\n"
        )
        (here / "one.txt").write_text("1.0")
        (here / "weights").mkdir()
        save(here / "weights" / "w.safetensors", shipped("shrinknet"))
        methods = ["noisy", "network[weights=weights/w.safetensors]"]
        methods += ["mine:half[depends_on=[one.txt,env:SIGBENCH_NOTHING]]"]
        assert main(["run", "table1", "-m", *methods, *QUICK, "-o", "run"]) == 0
        assert main(["bundle", "run", "-o", "run.zip"]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def bundle(work, tmp_path, monkeypatch):
    """The bundle in an empty working directory; its code leaves a mark when it is imported."""
    monkeypatch.setenv(MARK, str(tmp_path / MARK))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return Path(shutil.copy(work / "run.zip", tmp_path / "run.zip"))


def names_in(path):
    with zipfile.ZipFile(path) as file:
        return file.namelist()


def test_a_bundle_has_what_another_person_needs(work):
    names = names_in(work / "run.zip")
    assert names == sorted(names)
    outside = [name for name in names if not name.startswith("run/")]
    assert outside == [
        "README.md",
        "bundle.json",
        "requirements.txt",
        "work/mine.py",
        "work/one.txt",
        "work/pkg/__init__.py",
        "work/pkg/gain.py",
        "work/suite.toml",
        "work/weights/w.safetensors",
    ]
    assert {"run/manifest.json", "run/leaderboard.csv", "run/timings.parquet"} < set(names)
    with zipfile.ZipFile(work / "run.zip") as file:
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        texts = b"".join(file.read(name) for name in names)
        readme = file.read("README.md").decode()
    assert str(work).encode() not in texts
    assert "the environment variable SIGBENCH_NOTHING" in readme
    assert "sigbench verify BUNDLE.zip --trust-code" in readme


def test_the_bytes_are_the_same_each_time(work, monkeypatch):
    monkeypatch.chdir(work)
    assert main(["bundle", "run", "-o", "again.zip"]) == 0
    assert (work / "again.zip").read_bytes() == (work / "run.zip").read_bytes()


def test_the_suite_of_a_bundle_repeats_the_run(bundle, work, tmp_path, monkeypatch):
    with zipfile.ZipFile(bundle) as file:
        file.extractall(tmp_path / "unpacked")
    monkeypatch.chdir(tmp_path / "unpacked" / "work")
    assert main(["run", "suite.toml", "-o", "../repeated", "-j", "1", "--quiet"]) == 0
    first, second = (RunFolder(path).cells.all() for path in (work / "run", Path("../repeated")))
    assert {i: cell.about["cell_key"] for i, cell in first.items()} == {
        i: cell.about["cell_key"] for i, cell in second.items()
    }


def test_code_of_a_bundle_is_not_imported_without_trust(bundle, tmp_path, capsys, monkeypatch):
    call = ["--all", "-j", "1", "--quiet"]
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as file:
        file.extractall(unpacked)
    for folder, place in (
        (bundle, tmp_path / "empty"),
        (unpacked, tmp_path / "empty"),
        (unpacked / "run", tmp_path / "empty"),
        (unpacked / "run", unpacked / "work"),
    ):
        monkeypatch.chdir(place)
        assert main(["verify", str(folder), *call]) == 1
        assert "runs only with --trust-code" in capsys.readouterr().out
    assert not (tmp_path / MARK).exists()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["verify", str(bundle), *call, "--trust-code"]) == 0
    printed = capsys.readouterr()
    assert "were recomputed and are identical" in printed.out
    assert "running the code of the bundle: work/mine.py, work/pkg/__init__.py" in printed.err
    assert (tmp_path / MARK).exists()


def test_weights_of_a_bundle_are_used_without_trust(bundle, capsys):
    assert main(["verify", str(bundle), "--all", "-j", "1", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "1 of 1 methods with weights have the weights of the run" in out
    assert "could not check: keys." in out


def remade(path, change=lambda files: None, *, index=True):
    """Write a bundle again with changed files, and with their digests if ``index``."""
    with zipfile.ZipFile(path) as file:
        files = {name: file.read(name) for name in file.namelist()}
    change(files)
    if index:
        content = json.loads(files["bundle.json"])
        content["files"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in files.items()
            if name != "bundle.json"
        }
        files["bundle.json"] = json.dumps(content).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)


def changed_gain(files):
    files["work/pkg/gain.py"] = b"GAIN = 0.9\n"


def test_changed_files_are_found(bundle, capsys):
    remade(bundle, changed_gain, index=False)
    assert main(["verify", str(bundle)]) == 2
    assert "work/pkg/gain.py does not match its digest in bundle.json" in capsys.readouterr().err


def test_changed_code_is_found_also_with_its_digest(bundle, capsys):
    remade(bundle, changed_gain)
    assert main(["verify", str(bundle), "--trust-code", "-j", "1", "--quiet"]) == 1
    assert "source is 'mine:half@" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda f: f.pop("bundle.json"), "it is not a bundle (it has no bundle.json)"),
        (lambda f: f.pop("run/manifest.json"), "run/manifest.json is missing"),
        (lambda f: f.update({"work/extra.py": b""}), "'work/extra.py' is not listed"),
        (lambda f: f.update({"../x": b""}), "leads outside its folder"),
        (lambda f: f.update({"/x": b""}), "leads outside its folder"),
        (lambda f: f.update({"bundle.json": b"{}"}), "needs the key 'format'"),
        (lambda f: f.update({"bundle.json": b"["}), "is not valid JSON"),
    ],
)
def test_damaged_bundles_are_invalid(bundle, change, error, capsys):
    remade(bundle, change, index=False)
    assert main(["verify", str(bundle)]) == 2
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        *("run/../../x", "work/.hidden", "work//x", "elsewhere/x", "work/c:x", "work/a\\b", "run"),
        *("work/\x1b[31m.toml", "work/a\nb.toml", f"work/{'a' * 256}", "work" + "/a" * 300),
    ],
)
def test_names_in_the_index_are_checked(bundle, tmp_path, name, capsys):
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as file:
        file.extractall(folder)
    index = json.loads((folder / "bundle.json").read_text())
    index["files"][name] = "0"
    (folder / "bundle.json").write_text(json.dumps(index))
    assert main(["verify", str(folder)]) == 2
    assert "is not a valid name of a file in a bundle" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (
            ("work/a.toml", "work/a.toml/b.toml"),
            "'work/a.toml' is a folder of 'work/a.toml/b.toml'",
        ),
        (
            ("work/A.toml/b.toml", "work/a.toml"),
            "'work/a.toml' is a folder of 'work/A.toml/b.toml'",
        ),
        (("work/A.toml", "work/a.toml"), "'work/a.toml' has the place of 'work/A.toml'"),
        (("work/\u00e9.toml", "work/e\u0301.toml"), "has the place of"),
    ],
)
def test_files_of_a_bundle_have_places_of_their_own(bundle, names, error, capsys):
    remade(bundle, lambda files: files.update(dict.fromkeys(names, b"")))
    assert main(["verify", str(bundle)]) == 2
    assert error in capsys.readouterr().err


def test_a_bundle_packs_only_names_that_can_be_opened(tmp_path):
    with pytest.raises(InputError, match="'work/a:b' cannot be packed"):
        Contents().add("work/a:b", b"")


def test_the_index_and_the_directory_of_a_bundle_are_small(bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sigbench.benchmark.bundle.archive.MAX_INDEX", 2_000)
    many = {f"work/{i}.toml": b"" for i in range(99)}
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as file:
        for name, content in many.items():
            file.writestr(name, content)
    assert main(["verify", str(tmp_path / "many.zip")]) == 2
    assert "its directory has 5,732 bytes: the limit is 2,000" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "one.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bundle.json", b"[" + b"[]," * 1000 + b"[]]")
    assert main(["verify", str(tmp_path / "one.zip")]) == 2
    assert "bundle.json unpacks to more than 2000 bytes" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        file.extractall(tmp_path / "folder")
    assert main(["verify", str(tmp_path / "folder")]) == 2
    assert "bundle.json has more than" in capsys.readouterr().err
    data = (tmp_path / "one.zip").read_bytes()
    (tmp_path / "large.zip").write_bytes(data[:-22] + b"PK\6\7" + bytes(16) + data[-22:])
    assert main(["verify", str(tmp_path / "large.zip")]) == 2
    assert "(ZIP64): refused" in capsys.readouterr().err


def test_the_code_of_a_bundle_is_listed_whatever_its_index_says(bundle, capsys):
    def hidden(files):
        index = json.loads(files["bundle.json"])
        files["bundle.json"] = json.dumps({**index, "code": ["nothing"]}).encode()

    remade(bundle, hidden)
    assert main(["verify", str(bundle), "--trust-code", "-j", "1", "--quiet"]) == 0
    listed = "work/mine.py, work/pkg/__init__.py, work/pkg/gain.py\n"
    assert capsys.readouterr().err == f"running the code of the bundle: {listed}"


def test_links_are_refused(bundle, tmp_path, capsys):
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as file:
        file.extractall(folder)
    (folder / "run" / "leaderboard.csv").unlink()
    (folder / "run" / "leaderboard.csv").symlink_to("/etc/passwd")
    assert main(["verify", str(folder)]) == 2
    assert "leaderboard.csv is a link: refused" in capsys.readouterr().err
    (folder / "run").rename(folder / "other")
    (folder / "run").symlink_to(folder / "other")
    assert main(["verify", str(folder)]) == 2
    assert "is a link: refused" in capsys.readouterr().err
    with zipfile.ZipFile(bundle, "a") as file:
        info = zipfile.ZipInfo("run/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    assert main(["verify", str(bundle)]) == 2
    assert "a link or a device: refused" in capsys.readouterr().err


def test_a_bundle_that_unpacks_to_too_much_is_refused(bundle, monkeypatch, capsys):
    monkeypatch.setattr("sigbench.benchmark.bundle.archive.MAX_BYTES", 10_000)
    assert main(["verify", str(bundle)]) == 2
    assert "unpacks to more bytes" in capsys.readouterr().err


def test_other_files_are_not_bundles(tmp_path, capsys):
    (tmp_path / "x.zip").write_bytes(b"nothing")
    assert main(["verify", str(tmp_path / "x.zip")]) == 2
    assert "it is not a zip archive" in capsys.readouterr().err


def test_a_run_folder_is_opened_as_it_is(tmp_path):
    with opened(tmp_path, trust_code=False) as target:
        assert (target.run, target.work, target.code) == (tmp_path, None, ())


def test_an_existing_file_is_kept(work, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(work)
    target = tmp_path / "x.zip"
    target.write_text("mine")
    assert main(["bundle", "run", "-o", str(target)]) == 2
    assert "exists: choose another file (-o), or use --force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert main(["bundle", "run", "-o", str(target), "--force"]) == 0
    assert zipfile.is_zipfile(target)
    assert main(["bundle", "run", "-o", "x.tar"]) == 2
    assert "-o x.tar must end in .zip" in capsys.readouterr().err


def test_a_dry_run_lists_the_files(work, monkeypatch, capsys):
    monkeypatch.chdir(work)
    before = sorted(work.rglob("*"))
    assert main(["bundle", "run", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "work/mine.py  your code" in out
    assert "work/weights/w.safetensors  weights" in out
    assert "not packed: the environment variable SIGBENCH_NOTHING" in out
    assert sorted(work.rglob("*")) == before


def test_a_run_whose_code_has_changed_is_not_packed(work, tmp_path, monkeypatch, capsys):
    copy = shutil.copytree(work, tmp_path / "copy")
    monkeypatch.chdir(copy)
    (copy / "pkg" / "gain.py").write_text("GAIN = 0.6\n")
    assert main(["bundle", "run", "-o", "new.zip"]) == 2
    assert "1 of 5 cells were computed with other code or settings" in capsys.readouterr().err
    (copy / "pkg" / "gain.py").write_text("GAIN = 0.5\n")
    (copy / "weights" / "w.safetensors").unlink()
    assert main(["bundle", "run", "-o", "new.zip"]) == 2
    assert "weights/w.safetensors: weight file not found" in capsys.readouterr().err
    assert not (copy / "new.zip").exists()


def test_paths_of_this_machine_and_logs_are_packed_on_request(here, capsys):
    place = f"PLACE = '{here}/data'\n"
    (here / "mine.py").write_text(
        f"{place}def half(noisy):\n    print(1)\n    return noisy * 0.5\n"
    )
    assert main(["run", "table1", "-m", "noisy", "mine:half", *QUICK, "-o", "run"]) == 0
    assert main(["bundle", "run"]) == 2
    assert "work/mine.py contains a path of this machine" in capsys.readouterr().err
    assert not (here / "run.zip").exists()
    assert main(["bundle", "run", "--allow-paths"]) == 0
    assert "it may contain paths of this machine (--logs packs it)" in capsys.readouterr().out
    assert not any("logs/" in name for name in names_in("run.zip"))
    assert main(["bundle", "run", "-o", "b.zip", "--logs", "--allow-paths"]) == 0
    assert any("run/logs/" in name for name in names_in("b.zip"))


@pytest.mark.parametrize("name", ["api.key", "secret", "secrets.toml", ".env", "id_rsa"])
def test_files_that_may_be_secrets_are_refused(name):
    with pytest.raises(InputError, match="may be a secret"):
        Contents().add(f"work/{name}", b"")


def test_the_secret_of_a_run_is_never_packed(here, capsys):
    (here / "hidden.txt").write_text("correct horse battery staple\n")
    secret = read_secret(here / "hidden.txt")
    suite = load("table1").select(
        methods=["noisy", "affine[depends_on=hidden.txt]"], seeds=[1], items=5
    )
    run_suite(dataclasses.replace(suite, secret=secret), here / "run")
    assert main(["bundle", "run"]) == 2
    assert "only with --secret-seed FILE" in capsys.readouterr().err
    assert main(["bundle", "run", "--secret-seed", "hidden.txt"]) == 2
    assert "work/hidden.txt contains the secret of the run" in capsys.readouterr().err


def test_the_size_is_limited(work, monkeypatch):
    monkeypatch.chdir(work)
    monkeypatch.setattr(contents_module, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"its largest file is run/\S+ with \d"):
        collect(work / "run")


def test_suites_with_sweeps_are_repeated_by_their_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sweep.toml").write_text(
        'metrics = ["rmse"]\nseeds = [1]\ndescription = "a \\"quoted\\" = text"\n'
        '[[problems]]\nname = "n-{sigma}"\ndataset = "sparse-spikes"\n'
        'degradation = "gaussian[sigma=[1,2,3]]"\nitems = 6\ntrain_items = 4\n'
        '[[methods]]\nname = "blur"\nmethod = "gaussian-blur"\n'
        'tune = { width = [0.3, 1, 2.0] }\nproblems = ["n-3", "n-2"]\n'
    )
    suite = load("sweep.toml").select(problems=["n-3"], items=4)
    run_suite(suite, "run")
    found = collect(Path("run"))
    assert tomllib.loads(found.files["work/suite.toml"].decode())["methods"][1]["problems"] == [
        "n-3"
    ]
    Path("again.toml").write_bytes(found.files["work/suite.toml"])
    again = load("again.toml").select(problems=["n-3"])
    assert {cell.key for cell in again.cells()} == {cell.key for cell in suite.cells()}


def test_requirements_of_a_merge_of_different_versions():
    versions = [{"python": "3.11", "numpy": "2.0"}, {"python": "3.12", "numpy": "2.1"}]
    lines = requirements({"versions": versions}, ["extra==1"]).splitlines()
    assert lines == ["# python 3.11", "numpy==2.0", "# python 3.12", "# numpy==2.1", "extra==1"]


def test_an_archive_has_an_index():
    content = Contents({"work/a.py": b"x"}, ["work/a.py"])
    assert archive(content) == archive(content)
