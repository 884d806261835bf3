import subprocess
import sys

import pytest

from benchmarks.errors import UnknownName
from tasks.models import registry


def test_models_are_found_by_their_modules():
    assert {"oracle", "constant"} <= set(registry.all_models())
    assert all(model.name == name for name, model in registry.all_models().items())


def test_an_unknown_model_gets_the_nearest_name_and_the_listing():
    with pytest.raises(UnknownName, match=r"did you mean oracle.*`refbench models`"):
        registry.find("oracel")


def test_listing_models_imports_neither_torch_nor_pandas():
    program = (
        "import sys; from tasks.models import registry; registry.all_models(); "
        "sys.exit(str({'torch', 'transformers', 'pandas', 'scipy'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
