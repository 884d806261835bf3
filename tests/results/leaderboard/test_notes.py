from results.leaderboard.notes import COMMANDS, SAMPLE, of_board, of_record

OPTIONS = {"prompt": "locate_expression", "regime": "full"}


def test_a_whole_run_of_the_usual_protocol_needs_no_note(make_record):
    assert of_record(make_record(), make_record()) == ()


def test_teacher_forced_and_missing_answers_are_said(make_record):
    record = make_record(missing=2, options={**OPTIONS, "model_args": "decode=teacher_forced"})
    usual = make_record(options=OPTIONS)
    assert of_record(record, record) == (
        "teacher-forced: the model was fed the right answer while it wrote its own",
        "2 samples have no answer and count as wrong",
    )
    assert of_record(record, usual)[-1] == ("other protocol: decoding is teacher-forced here, free in the others")


def test_a_sample_row_among_official_ones_says_so(make_record):
    assert of_record(make_record(data="sample"), make_record())[0] == SAMPLE


def test_what_holds_for_all_is_said_once(make_record):
    sample = make_record(data="sample", options=OPTIONS)
    assert of_board([sample]) == (SAMPLE,)
    told = make_record(data="sample", options={**OPTIONS, "regime": "instruction"})
    assert of_board([sample, told]) == (SAMPLE, COMMANDS)
    assert of_board([make_record()]) == ()
    assert of_board([]) == ()
