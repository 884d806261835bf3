"""Rules that keep files of strangers from running here, and this machine out of the files."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmarks", "configs", "metrics", "refvlm", "results", "tasks")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
UNPICKLERS = {"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "dill.load", "marshal.loads"}
SAFE_UNPICKLER = ROOT / "benchmarks" / "files.py"
"""The one place that unpickles, with every class and function refused."""
SPAWNERS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
TEXT_FILES = {".py", ".toml", ".yaml", ".md", ".cfg", ".json", ""}
HOSTS = re.compile(
    "|".join(("py" + r"pi\.org", "pythonhosted", "hugging" + "face" + r"\.co", "artifactory", "nexus/repo"))
)
ABSOLUTE = re.compile(r"(?<![\w.:/~…-])/(?:home|root|work|Users|mnt|data|opt|tmp|srv)/\w")


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """Every call in a file with the dotted name of what is called."""
    tree = ast.parse(path.read_text("utf-8"))
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keyword(call: ast.Call, name: str) -> str:
    """Source of a keyword argument; empty where it is not given."""
    return next((ast.unparse(each.value) for each in call.keywords if each.arg == name), "")


def offence(path: Path, name: str, call: ast.Call) -> str:
    """Say what is wrong with a call; empty where nothing is."""
    if name in ("eval", "exec", "compile", "__import__"):
        return f"{name} runs text as a program"
    if name in UNPICKLERS and path != SAFE_UNPICKLER:
        return f"{name} runs what a pickle says: use benchmarks.files.read_pickle"
    if name == "torch.load" and keyword(call, "weights_only") != "True":
        return "torch.load needs weights_only=True"
    if name in ("np.load", "numpy.load") and keyword(call, "allow_pickle") not in ("", "False"):
        return f"{name} must not allow pickles"
    if name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load") and "Loader" not in keyword(call, "Loader"):
        return f"{name} needs a safe loader"
    if keyword(call, "shell") == "True" or name in SPAWNERS:
        return f"{name} hands text to a shell"
    return "from_pretrained may fetch and run code" if keyword(call, "trust_remote_code") == "True" else ""


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_runs_what_a_file_says(path):
    found = [
        f"{label(path)}:{call.lineno}: {text}" for name, call in calls(path) if (text := offence(path, name, call))
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')", "exec(text)", "pickle.load(f)", "torch.load(f)", "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)", "yaml.unsafe_load(f)", "subprocess.run(c, shell=True)", "os.system(c)",
        "m.from_pretrained(n, trust_remote_code=True)",
    ],
)  # fmt: skip
def test_each_rule_catches_what_it_is_for(tmp_path, source):
    path = tmp_path / "bad.py"
    path.write_text(source)
    [(name, call)] = calls(path)
    assert offence(path, name, call)


FORBIDDEN_IMPORTS = {"cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
HARMLESS_OF_PICKLE = {"UnpicklingError", "dumps"}
READERS = {SAFE_UNPICKLER, ROOT / "benchmarks" / "object_arrays.py"}
"""Files that may derive an unpickler, which must refuse classes and functions by a `find_class` of its own."""


def imports(tree: ast.AST) -> set[str]:
    """Top-level names of everything that a file imports."""
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def of_pickle(tree: ast.AST) -> set[str]:
    """What a file takes from the module `pickle`; `*` where it gives the module another name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
            found.add(node.attr)
        if isinstance(node, ast.ImportFrom) and node.module == "pickle":
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {"*" for alias in node.names if alias.name == "pickle" and alias.asname}
    return found


def trusting(tree: ast.AST) -> list[str]:
    """Unpicklers that a file derives without refusing classes and functions."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    derived = [node for node in classes if "pickle.Unpickler" in map(ast.unparse, node.bases)]
    return [
        node.name
        for node in derived
        if "find_class" not in [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
    ]


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_but_the_restricted_readers_unpickles(path):
    tree = ast.parse(path.read_text("utf-8"))
    allowed = HARMLESS_OF_PICKLE | ({"Unpickler"} if path in READERS else set())
    assert not imports(tree) & FORBIDDEN_IMPORTS
    assert of_pickle(tree) <= allowed
    assert not trusting(tree)


def test_imports_and_unpicklers_are_seen_in_every_form():
    assert imports(ast.parse("import dill.source\nfrom joblib import load\nimport os")) == {"dill", "joblib", "os"}
    for source in ("from pickle import loads", "import pickle\npickle.loads(b'')", "import pickle as p"):
        assert of_pickle(ast.parse(source)) & {"loads", "*"}
    assert trusting(ast.parse("class Naive(pickle.Unpickler):\n    pass")) == ["Naive"]


def tracked() -> list[Path]:
    """Text files of the repository; of an unpacked archive, those of the packages."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listing.stdout.split("\0") if name] or [label(path) for path in FILES]
    paths = [ROOT / name for name in names if Path(name).suffix in TEXT_FILES]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def test_no_file_names_a_package_registry_or_a_place_on_one_machine():
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            in_test = path.is_relative_to(ROOT / "tests")  # made-up paths as input are what some tests are about
            if HOSTS.search(line) or (ABSOLUTE.search(line) and not in_test):
                found.append(f"{label(path)}:{number}: {line.strip()[:100]}")
    assert not found


def test_no_photo_or_archive_of_others_is_in_the_repository():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not [name for name in listing.stdout.split("\n") if name.endswith((".jpg", ".jpeg", ".zip", ".p", ".pkl"))]
