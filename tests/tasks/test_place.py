import pytest

from benchmarks.errors import ConfigError
from tasks.place import find_place

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "MASTER_ADDR": "node-a", "MASTER_PORT": "29500"}


def test_the_environment_of_a_launcher_gives_the_place():
    place = find_place(TORCHRUN, None)
    assert (place.rank, place.world, place.local_rank) == (1, 4, 0)
    assert find_place(TORCHRUN, 4) == place


def test_ranks_of_one_launch_agree_and_other_launches_differ():
    launch = find_place(TORCHRUN, None).launch
    assert find_place({**TORCHRUN, "RANK": "3", "LOCAL_RANK": "1"}, None).launch == launch
    for other in ({"MASTER_PORT": "29501"}, {"TORCHELASTIC_RUN_ID": "b"}, {"WORLD_SIZE": "5"}):
        assert find_place({**TORCHRUN, **other}, None).launch != launch


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"ACCELERATE_MIXED_PRECISION": "no"}])
def test_one_process_has_no_place(environment):
    assert find_place(environment, None) is None
    assert find_place(environment, 3) is None


def test_another_number_of_processes_than_asked_for_is_refused():
    with pytest.raises(ConfigError, match=r"started as 4 processes .* --num-processes says 2"):
        find_place(TORCHRUN, 2)


def test_the_one_process_that_accelerate_starts_on_a_cpu_is_refused():
    """What `accelerate launch --cpu --num_processes 2` sets, as printed by it."""
    environment = {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    with pytest.raises(ConfigError, match="accelerate started 1 process only"):
        find_place(environment, None)
    assert find_place(environment, 1) is None


@pytest.mark.parametrize("wrong", [{"RANK": "4"}, {"RANK": "-1"}, {"RANK": ""}, {"RANK": "x"}, {"WORLD_SIZE": "many"}])
def test_variables_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"torchrun|one launcher"):
        find_place({**TORCHRUN, **wrong}, None)
