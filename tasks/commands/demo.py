"""`refbench demo`: a page to ask models in, with pictures of their answers."""

import argparse
import os
from typing import TYPE_CHECKING

from tasks import precision
from tasks.commands import show
from tasks.parser import device, folder, names, natural, positive

if TYPE_CHECKING:
    from tasks.demo.serve import Offer

EXAMPLES = """  refbench demo
  refbench demo --port 8000 --model refvlm,oracle,floor
  refbench demo --weights checkpoints/mine --data-root data
  refbench demo --model refvlm,hf-promptable:weights/sam-vit-base --offline

Open the address that it prints. The page takes pictures of your own, samples of the sample world and of every benchmark
whose files are here, and stored runs; it draws answers and, where there is a truth, scores them. Only this machine can
open it unless --host says otherwise: then anybody who reaches the address can ask, or who knows the password, if the
environment variable REFBENCH_DEMO_PASSWORD holds one. Ctrl-C ends it, and deletes what was handed in.
exit codes: 0 ended, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine alone)")
    add("--port", metavar="N", type=natural, default=7860, help="port; 0 for any free one (default: 7860)")
    add("--model", metavar="M[,M…]", type=names, default=(), help="models to choose from (default: the registry's)")
    add("--weights", metavar="PATH", type=folder, help="weights of refvlm (default: the bundled ones)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--dtype", choices=precision.NAMES, default="float32", help="number format (default: float32)")
    add("--data-root", metavar="DIR", type=folder, help="official files (default: REFBENCH_DATA, else sample world)")
    add("--runs", metavar="DIR", type=folder, help="root of all run directories (default: REFBENCH_RUNS, else runs)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")
    add("--queue", metavar="N", type=positive, default=16, help="questions that may wait at once (default: 16)")
    add("--offline", action="store_true", help="refuse models that ask a server, and any connection elsewhere")


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from tasks import progress
    from tasks.demo import serve
    from tasks.network import sealed
    from tasks.offline import is_asked
    from tasks.stopping import terminable

    serve.check_extra()
    is_offline = is_asked(args.offline)
    offer = _offer(args, is_offline)
    if offer.is_open:
        progress.say(f"anybody who reaches {offer.host} can use this page: set {serve.PASSWORD} to ask for a password")
    try:
        with terminable(), sealed(is_offline), serve.serving(offer) as address:
            if args.json:
                show.as_json({"address": address})
            else:
                print(f"refbench demo: open {address} (Ctrl-C ends it)", flush=True)
            serve.wait()
    except KeyboardInterrupt:
        return 0
    return 0


def _offer(args: argparse.Namespace, is_offline: bool) -> "Offer":
    from tasks.base import LoadOptions
    from tasks.demo.serve import PASSWORD, Offer
    from tasks.device import resolve
    from tasks.settings import settings

    chosen, on = settings(args.data_root, args.runs), resolve(args.device)
    load = LoadOptions(device=on, dtype=precision.resolve(args.dtype, on), weights=args.weights)
    return Offer(
        host=args.host,
        port=args.port,
        models=args.model,
        load=load,
        data_root=chosen.data_root,
        runs=chosen.runs,
        include=args.include,
        waiting=args.queue,
        is_offline=is_offline,
        password=os.environ.get(PASSWORD, ""),
    )
