"""Every golden file through `refbench score`: what the command prints equals what the official tool printed.

`REFBENCH_GOLDEN` names another folder of the same layout, `REFBENCH_SHARED` the folder that holds `golden`.
Values below the level of a report (each expression, each image) are compared in `test_golden_*.py` beside this file.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from metrics import meteor, ptb

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared")).resolve()
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")).resolve()
BELOW_REPORTS = {
    "coco_instances/expected_bbox_arrays.npz": "test_golden_coco.py",
    "coco_instances/expected_segm_arrays.npz": "test_golden_coco.py",
    "coco_keypoints/expected_keypoints_arrays.npz": "test_golden_coco.py",
    "stats/expected.json": "test_golden_stats.py",
    "stats/scores.npz": "test_golden_stats.py",
}
"""Values that no report shows, and the test file that compares them."""
HERE_COMPARED = {"captions/ptb_tokens.jsonl", "captions/ptb_unsafe.json"}
NOTES = {"README.md", "manifest.json"}


class Case(NamedTuple):
    """One run of the command: its words, the files behind them, and every figure that it must print.

    `want` has keys of two forms: a key of `metrics`, or (class name, key) of `per_class`. An undefined figure is None.
    """

    name: str
    words: tuple[Any, ...]
    files: tuple[Path, ...]
    want: dict[Any, float | None]
    abs: float
    rel: float = 0.0
    n: int | None = None


def expected(family: str) -> Any:
    path = GOLDEN / family / "expected.json"
    return json.loads(path.read_text()) if path.exists() else None


def words(metric: str, targets: Path, predictions: Path, **options: Any) -> tuple[Any, ...]:
    given = [f"{name}={value}" for name, value in options.items()]
    tail = ["--option", *given] if given else []
    return ("score", metric, "--targets", targets, "--predictions", predictions, *tail)


def inside(family: str, *names: str) -> tuple[Path, ...]:
    return tuple(GOLDEN / family / name for name in ("expected.json", *names))


def rec(want: Any) -> Iterator[Case]:
    files = inside("rec", "refs.json", "instances.json", "predictions.jsonl")
    pair = (GOLDEN / "rec", GOLDEN / "rec/predictions.jsonl")
    tools = {"coco": ("ge", "aggregate"), "mattnet_plus1": ("mattnet", "aggregate"),
             "torchvision_f32": ("ge", "torchvision_f32")}  # fmt: skip
    for split, tables in want["aggregate"].items():
        for tool, (variant, close) in tools.items():
            table = tables[tool]
            figures = {"miou": table["miou"]}
            for t in ("0.25", "0.5", "0.75"):
                figures[f"acc@{t}"] = table[f"acc_ge_{t}"]
                if table[f"acc_gt_{t}"] != table[f"acc_ge_{t}"]:
                    figures[f"acc@{t}_gt"] = table[f"acc_gt_{t}"]
            command = words("rec", *pair, split=split, variant=variant)
            yield Case(f"{split}-{tool}", command, files, figures, want["tolerance"][close], n=tables["n"])
        strict = {f"acc@{t}": tables["coco"][f"acc_gt_{t}"] for t in ("0.25", "0.5", "0.75")}
        yield Case(f"{split}-strict", words("rec", *pair, split=split, variant="gt"), files, strict, 1e-9)
    mdetr = want["mdetr_giou_ge_0.5_P@1_5_10"]
    figures = dict(zip(("p@1", "p@5", "p@10"), mdetr["values"], strict=True))
    yield Case("mdetr", words("rec", *pair, variant="mdetr"), files, figures, 1e-9, n=mdetr["n"])


def res(want: Any) -> Iterator[Case]:
    files = inside("res", "grefs.json", "instances.json", "predictions.jsonl")
    pair, close = (GOLDEN / "res", GOLDEN / "res/predictions.jsonl"), want["tolerance"]
    for split, table in want["grefcoco_ReLA"].items():
        figures = {"giou": table["gIoU"] / 100, "ciou": table["cIoU"] / 100}
        figures |= {"t_acc": table["T_acc"], "n_acc": table["N_acc"]}
        figures |= {f"pr@{t}": table[f"Pr@{t}"] / 100 for t in ("0.7", "0.8", "0.9")}
        yield Case(f"rela-{split}", words("gres", *pair, split=split), files, figures, close["ReLA"])
    lavt = want["refcoco_LAVT_targets_only"]
    figures = {"giou": lavt["exact"]["mIoU"], "ciou": lavt["exact"]["oIoU"]}
    figures |= {f"p@{t}": lavt["exact"][f"P@{t}"] for t in ("0.5", "0.6", "0.7", "0.8", "0.9")}
    command = words("res", *pair, variant="lavt", samples="targets")
    yield Case("lavt", command, files, figures, close["LAVT_exact"], n=lavt["n"])
    for samples, key in (("all", "LISA_all_samples"), ("targets", "LISA_targets_only")):
        command = words("res", *pair, variant="lisa", samples=samples)
        yield Case(f"lisa-{samples}", command, files, want[key], close["LISA"])


DETECTION = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
             "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"]  # fmt: skip
POSES = ["ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large"]


def figures_of(keys: list[str], stats: Any) -> dict[Any, float | None]:
    """Name pycocotools' figures; its -1 is an undefined one."""
    return {key: None if value == -1 else value for key, value in zip(keys, stats, strict=True)}


def coco_options(case: str, truth: Any) -> dict[str, str]:
    """Translate the name of a golden case into options."""
    ids = ",".join(case.split("_")[1:])
    options = {
        "": {},
        "useCats0": {"class_agnostic": "yes"},
        "imgIds": {"images": ",".join(str(i) for i in sorted(image["id"] for image in truth["images"])[::3])},
        "maxDets": {"max_dets": ids},
        "catIds": {"categories": ids},
    }
    return options[case.partition("_")[0]]


def coco_instances(want: Any) -> Iterator[Case]:
    folder, close = GOLDEN / "coco_instances", want["tolerance"]["stats"]
    truth = json.loads((folder / "instances_gt.json").read_text())
    names = {"-1": "all", **{str(c["id"]): c["name"] for c in truth["categories"]}}
    for key, table in want.items():
        kind, _, case = key.partition("_")
        if kind not in ("bbox", "segm"):
            continue
        options = coco_options(case, truth)
        figures = figures_of(DETECTION, table["stats"])
        # With other limits than 100 the official summary has no AP, but its arrays, and the AP beside it, do.
        last = options.get("max_dets", "100").split(",")[-1]
        ap = "ap" if last == "100" else f"ap@{last}dets"
        for category, values in table["per_category"].items():
            own = figures_of([ap, "ap50", "ar100"], [values["AP"], values["AP50"], values["AR"]])
            figures |= {(names[category], name): value for name, value in own.items()}
        pair = folder / "instances_gt.json", folder / f"{kind}_results.json"
        yield Case(key, words(kind, *pair, **options), (*inside("coco_instances"), *pair), figures, close)
    pair = folder / "id_zero_gt.json", folder / "id_zero_bbox_results.json"
    figures = figures_of(DETECTION, want["annotation_id_zero"]["pycocotools"])
    yield Case("id-zero", words("bbox", *pair), (*inside("coco_instances"), *pair), figures, close)


def coco_keypoints(want: Any) -> Iterator[Case]:
    folder = GOLDEN / "coco_keypoints"
    pair = folder / "person_keypoints_gt.json", folder / "keypoints_results.json"
    names = {str(c["id"]): c["name"] for c in json.loads(pair[0].read_text())["categories"]}
    figures = figures_of(POSES, want["keypoints"]["stats"])
    for category, values in want["keypoints"]["per_category"].items():
        own = figures_of(["ap", "ap50", "ar"], [values["AP"], values["AP50"], values["AR"]])
        figures |= {(names[category], name): value for name, value in own.items()}
    files = (*inside("coco_keypoints"), *pair)
    yield Case("poses", words("keypoints", *pair), files, figures, want["tolerance"]["stats"])


def pck(want: Any) -> Iterator[Case]:
    for name in [key for key in want if isinstance(want[key], dict) and key != "tolerance"]:
        path, table = GOLDEN / "pck" / f"{name}.npz", want[name]
        figures = {"auc": table["AUC_30px"], "epe": table["EPE"], "nme": table["NME_bbox"]}
        figures["pckh@0.5"] = table["PCKh@0.5_mean_over_joints"]["mean_over_joints"]
        figures |= {f"pck@{t}": table[f"PCK_bbox_max_side@{t}"]["mean_over_joints"] for t in ("0.05", "0.1", "0.2")}
        files, close = (*inside("pck"), path), want["tolerance"]["all"]
        yield Case(name, words("pck", path, path), files, figures, close)
        if (mpii := table.get("MPII_official_style_percent")) is not None:
            figures = {"pckh@0.5": mpii["PCK"] / 100, "pckh@0.1": mpii["PCK@0.1"] / 100}
            yield Case(f"{name}-table", words("pck", path, path, style="mpii"), files, figures, close)


def panoptic(want: Any) -> Iterator[Case]:
    folder = GOLDEN / "panoptic"
    pair = folder / "panoptic_gt.json", folder / "panoptic_pred.json"
    names = {str(c["id"]): c["name"] for c in json.loads(pair[0].read_text())["categories"]}
    figures: dict[Any, float | None] = {}
    for group, suffix in (("All", ""), ("Things", "_things"), ("Stuff", "_stuff")):
        figures |= {f"{key}{suffix}": want[group][key] for key in ("pq", "sq", "rq")}
    for category, values in want["per_class"].items():
        figures |= {(names[category], key): value for key, value in values.items()}
    maps = [path for side in ("panoptic_gt", "panoptic_pred") for path in (folder / side).glob("*.png")]
    files = (*inside("panoptic"), *pair, *maps)
    yield Case("panopticapi", words("panoptic", *pair), files, figures, want["tolerance"]["pq_sq_rq"])


def folders(family: str, *names: str) -> tuple[tuple[Path, Path], tuple[Path, ...]]:
    pair = GOLDEN / family / "gt", GOLDEN / family / "pred"
    return pair, (*inside(family, *names), *(path for side in pair for path in side.glob("*.png")))


def semseg(want: Any) -> Iterator[Case]:
    pair, files = folders("semseg", "classes.json")
    # The official percentages are within 1e-9 of a percent.
    official, close = want["detectron2"], want["tolerance"]["metrics"] / 100
    figures: dict[Any, Any] = {ours.lower(): official[ours] / 100 for ours in ("mIoU", "fwIoU", "mACC", "pACC")}
    classes = {key.removeprefix("IoU-"): value for key, value in official.items() if key.startswith("IoU-")}
    figures |= {(name, "iou"): None if value is None else value / 100 for name, value in classes.items()}
    yield Case("detectron2", words("semantic", *pair, ignore=want["ignore_label"]), files, figures, close)
    other = {"miou": want["variant_pred_only_class_counts_as_zero"]["mIoU"] / 100}
    yield Case("mmseg", words("semantic", *pair, average="mmseg"), files, other, close)


SALIENT = {"MAE": "mae", "Smeasure": "s_measure", "maxF": "f_max", "meanF": "f_mean", "adpF": "f_adaptive",
           "maxE": "e_max", "meanE": "e_mean", "adpE": "e_adaptive", "wFmeasure": "wf"}  # fmt: skip


def salient(want: Any) -> Iterator[Case]:
    pair, files = folders("salient")
    for name, table in {"*.png": want["aggregate"], **want["per_image"]}.items():
        figures = {key: table[theirs] for theirs, key in SALIENT.items()}
        yield Case(name, words("salient", *pair, pattern=name), files, figures, want["tolerance"]["all"])


DEPTH = {"delta1": ("a1", "d1", "delta1_acc"), "delta2": ("a2", "d2", "delta2_acc"),
         "delta3": ("a3", "d3", "delta3_acc"),
         "abs_rel": ("abs_rel", "abs_relative_difference"), "sq_rel": ("sq_rel", "squared_relative_difference"),
         "rmse": ("rmse", "rmse_linear"), "rmse_log": ("rmse_log",), "log10": ("log_10", "log10"),
         "silog": ("silog", "silog_rmse"), "i_rmse": ("i_rmse",)}  # fmt: skip
"""Our keys of depth, and what the official projects call them."""
ALIGNED = {"resize": "align_corners", "clean": "clip", "min_depth": "0.001"}
PROTOCOLS: dict[str, dict[str, str]] = {
    "zoedepth_nocrop": {"preset": "zoedepth", "crop": "none"},
    "zoedepth_eigen": {"preset": "zoedepth", "crop": "eigen"},
    "zoedepth_garg": {"preset": "zoedepth", "crop": "garg"},
    "depth_anything_v2": {"preset": "depth_anything_v2"},
    "monodepth2_median_scaling": {"preset": "monodepth2", "resize": "align_corners", "clean": "clip"},
    "marigold_least_square": {"preset": "marigold", **ALIGNED},
    "marigold_least_square_disparity": {"preset": "marigold", **ALIGNED, "align": "lstsq_disparity", "clean": "none"},
}


def depth(want: Any) -> Iterator[Case]:
    folder, close = GOLDEN / "depth", want["tolerance"]
    tables = {(f"{key.partition('/')[0]}_*", *key.split("/")): table for key, table in want["per_image_mean"].items()}
    for name, image in want["per_image"].items():
        tables |= {(name, image["dataset"], variant): image[variant] for variant in PROTOCOLS if variant in image}
    for (stem, dataset, variant), table in tables.items():
        options = {**PROTOCOLS[variant], "dataset": dataset, "pattern": f"{stem}_gt.png"}
        if variant.startswith("marigold"):
            options["crop"] = "garg" if dataset == "kitti" else "none"
        table = table.get("metrics", table)
        figures = {ours: table[name] for ours, names in DEPTH.items() for name in names if name in table}
        if None in figures.values():
            # Errors that are not finite make a prediction malformed: then no figure of the image is printed.
            figures = dict.fromkeys(figures)
        images = folder.glob(f"{stem}_gt.png"), folder.glob(f"{stem}_pred.npz")
        command, files = words("depth", folder, folder, **options), (*inside("depth"), *images[0], *images[1])
        yield Case(f"{stem}-{variant}", command, files, figures, close["delta_abs"], close["float32_relative"])


def captions(want: Any) -> Iterator[Case]:
    pair = GOLDEN / "captions/captions_gt.json", GOLDEN / "captions/captions_results.json"
    for theirs in ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr", "METEOR"):
        ours = theirs.lower().replace("bleu_", "bleu")
        close = want["tolerance"]["BLEU" if theirs.startswith("Bleu") else theirs]
        jar = ours == "meteor" and meteor.unavailable() is None
        command = words("captions", *pair, meteor="yes" if jar else "no")
        value = None if ours == "meteor" and not jar else want["corpus"][theirs]
        yield Case(theirs, command, (*inside("captions"), *pair), {ours: value}, close)


def gcg(want: Any) -> Iterator[Case]:
    masks, answers = GOLDEN / "gcg/gcg_coco_mask_gt.json", GOLDEN / "gcg/predictions.jsonl"
    files = (*inside("gcg", "gcg_coco_caption_gt.json"), masks, answers)
    for theirs in ("AP50", "mIoU", "recall", "CIDEr", *(["METEOR"] if meteor.unavailable() is None else [])):
        close = want["tolerance"][theirs.replace("AP50", "AP")]
        yield Case(theirs, words("gcg", masks, answers), files, {theirs.lower(): want[theirs]}, close)


def vqa(want: Any) -> Iterator[Case]:
    pair = GOLDEN / "vqa/annotations.json", GOLDEN / "vqa/results.json"
    files, close = (*inside("vqa", "questions.json"), *pair), want["tolerance"]["percent"] / 100
    for variant, key in (("official", "official_percent"), ("lavis", "lavis_variant_percent")):
        command, table = words("vqa", *pair, variant=variant), want[key]["accuracy"]
        # The official total is rounded to two decimals of a percent, the parts are not.
        yield Case(f"{variant}-all", command, files, {"accuracy": table["overall"] / 100}, 5.0001e-5)
        parts = {f"answer_type: {label}": value for label, value in table["perAnswerType"].items()}
        parts |= {f"question_type: {label}": value for label, value in table["perQuestionType"].items()}
        figures = {(label, "accuracy"): value / 100 for label, value in parts.items()}
        yield Case(f"{variant}-parts", command, files, figures, close)


def pope(want: Any) -> Iterator[Case]:
    pair = GOLDEN / "pope/coco_pope_random.jsonl", GOLDEN / "pope/answers.jsonl"
    figures = {key: want[key] for key in ("accuracy", "precision", "recall", "f1", "yes_ratio")}
    counts = want["TP"] + want["FP"] + want["TN"] + want["FN"]
    yield Case("official", words("pope", *pair), (*inside("pope"), *pair), figures, want["tolerance"]["all"], n=counts)


READERS = (rec, res, coco_instances, coco_keypoints, pck, panoptic, semseg, salient, depth, captions, gcg, vqa, pope)
CASES = [
    pytest.param(case, id=f"{read.__name__}-{case.name}")
    for read in READERS
    if (want := expected(read.__name__)) is not None
    for case in read(want)
]


@pytest.fixture(scope="module")
def told():
    """What each command said: the figures of a file are compared one by one, but computed once."""
    return {}


@pytest.mark.parametrize("case", CASES)
def test_the_command_prints_the_official_figures(refbench, told, case):
    command = tuple(map(str, case.words))
    if command not in told:
        told[command] = refbench(*command, "--json")
    done = told[command]
    assert done.code == 0, done.err
    figures, classes = done.json["metrics"], done.json["per_class"]
    got = {key: classes[key[0]][key[1]] if isinstance(key, tuple) else figures[key] for key in case.want}
    undefined = {key for key, value in case.want.items() if value is None}
    assert {key for key, value in got.items() if value is None} == undefined
    for key in case.want.keys() - undefined:
        assert got[key] == pytest.approx(case.want[key], abs=case.abs, rel=case.rel), key
    assert case.n is None or done.json["n"] == case.n


def test_caption_tokens_are_exact():
    path = GOLDEN / "captions/ptb_tokens.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert ptb.tokenize([row["text"] for row in rows]) == [row["tokens"] for row in rows]


def test_unsafe_line_breaks_stay_inside_their_caption():
    path = GOLDEN / "captions/ptb_unsafe.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    for escaped, official in json.loads(path.read_text())["unsafe_line_breaks"].items():
        first, second = ptb.tokenize([escaped.encode().decode("unicode_escape"), "second caption here"])
        assert second == "second caption here"
        shifted = official["second"] != "second caption here"
        assert first == (f"{official['first']} {official['second']}" if shifted else official["first"])


@pytest.mark.skipif("REFBENCH_GOLDEN" not in os.environ and not GOLDEN.is_dir(), reason="golden files are absent")
def test_every_golden_file_is_compared():
    files = {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file()}
    used = {str(path.relative_to(GOLDEN)) for param in CASES for path in param.values[0].files}
    below = {name for name, test in BELOW_REPORTS.items() if Path(__file__).with_name(test).is_file()}
    assert files, f"{GOLDEN} holds no golden files"
    assert files - used - below - HERE_COMPARED - NOTES == set()
    assert used - files == set()
