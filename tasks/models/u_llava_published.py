"""Numbers that u-LLaVA's authors print of the 7B model; nothing was run again."""

from tasks.facts import Published

_SPLITS = (
    ("RefCOCO", "val"), ("RefCOCO", "testA"), ("RefCOCO", "testB"), ("RefCOCO+", "val"), ("RefCOCO+", "testA"),
    ("RefCOCO+", "testB"), ("RefCOCOg", "val"), ("RefCOCOg", "test"),
)  # fmt: skip
_RES = ("80.29", "82.81", "77.40", "72.61", "75.96", "67.14", "74.07", "75.20")
_REC = ("86.15", "90.28", "81.14", "76.16", "82.94", "68.37", "81.31", "82.61")
_SALIENT = (("DUT-OMRON", "71.64"), ("DUTS-TE", "74.23"), ("ECSSD", "89.73"))
_README = "arXiv 2311.05348 and README of u-LLaVA"
NUMBERS = (
    *(
        Published(
            "res", *split, "ciou", value, "percent", f"{_README}, RES table (metric not named there), teacher-forced"
        )
        for split, value in zip(_SPLITS, _RES, strict=True)
    ),
    *(
        Published("rec", *split, "acc@0.5", value, "percent", f"{_README}, REC table, teacher-forced")
        for split, value in zip(_SPLITS, _REC, strict=True)
    ),
    *(
        Published("salient", name, "test", "not named", value, "percent", f"{_README}, salient table, teacher-forced")
        for name, value in _SALIENT
    ),
    Published("vqa", "ScienceQA", "not stated", "accuracy", "87.74", "percent", f"{_README}, fine-tuned"),
    Published("video_qa", "ActivityNet-QA", "not stated", "accuracy", "51.70", "percent", f"{_README}, zero-shot"),
)
"""Without the starred rows, which the tables do not explain. That its evaluation forces answers is read in its code."""
