import pytest

from tasks import progress


@pytest.mark.parametrize(("visible", "shown"), [(True, True), (False, False)])
def test_a_bar_writes_to_stderr_and_only_when_asked(capsys, visible, shown):
    bar = progress.bar("toy", 10, 4, visible)
    bar.update(3)
    bar.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert ("4/10" in err) is shown


def test_a_line_goes_to_stderr(capsys):
    progress.say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_a_command_chooses_how_lines_are_said_and_it_ends_with_it(capsys):
    heard = []
    with progress.speaking(heard.append):
        progress.say("inside")
    progress.say("outside")
    assert heard == ["inside"]
    assert capsys.readouterr().err == "outside\n"
