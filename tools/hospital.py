"""Start the archive and the key server of a hospital on this machine, until Ctrl-C or a time.

    python tools/hospital.py hospital/ --weights runs/ours/generator.safetensors --seeds shenzhen

Everything is kept in the folder, and used again by the next start: certificates, keys, images, the
record of uses and the audit trail. ``docs/hospital.md`` says how to send an image to it and how to
open one, and how to back it up.
"""

import argparse
import itertools
import logging
import signal
import sys
import time
from pathlib import Path

from dkg import data, hospital
from dkg.keys import KeyGenerator


def public_parts(generator, seeds):
    """Say which parts of the keys' making everybody has."""
    parts = []
    if generator.public:
        parts.append(
            f"the weights {generator.name} are public: they come with the package, so that they "
            "keep nothing secret; use another network with --weights"
        )
    if seeds.origin == "synthetic":
        parts.append(
            f"the seed images are phantoms, which everybody can make; put images into "
            f"{seeds.name}/ of the data folder, or choose another set with --seeds"
        )
    return parts


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--archive", choices=("small", "orthanc"), default="small")
    parser.add_argument("--minutes", type=float, default=60, help="then both stop")
    parser.add_argument("--key-port", type=int, default=8443)
    parser.add_argument("--pacs-port", type=int, default=11112)
    parser.add_argument("--seeds", default="montgomery", help="image set of the seed images")
    parser.add_argument("--n-seeds", type=int, default=32, help="how many; they take turns")
    parser.add_argument("--weights", help="a network's path, or a shipped network's name")
    parser.add_argument(
        "--allow-public",
        action="store_true",
        help="take a public network or phantoms, for study only",
    )
    parser.add_argument(
        "--quota",
        type=int,
        default=hospital.QUOTA,
        help="keys of 196,608 bytes for each certificate in 24 hours (%(default)s)",
    )
    parser.add_argument("--uses", type=Path, help="record of uses; default FOLDER/keys.sqlite.uses")
    parser.add_argument("--audit", type=Path, help="audit trail; default FOLDER/keys.sqlite.audit")
    parser.add_argument(
        "--accept-lost-keys",
        action="store_true",
        help="start with a key store that is older than its record of uses",
    )
    parser.add_argument(
        "--renew-certificates",
        action="store_true",
        help="make a new set in the place of the old one, which is worth nothing from then on",
    )
    return parser.parse_args()


def main():
    """Start both, print where they are, and wait."""
    arguments = parse()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    generator = KeyGenerator.load(arguments.weights)
    seeds = data.load(arguments.seeds, n=arguments.n_seeds)
    if public := public_parts(generator, seeds):
        if not arguments.allow_public:
            public.append("for study, take them all the same with --allow-public")
            sys.exit("\n".join(f"Error: {text}" for text in public))
        for text in public:
            print(f"Note: {text}. Use it for study only", file=sys.stderr)

    certificates = arguments.folder / "certificates"
    if arguments.renew_certificates or not certificates.exists():
        hospital.make_certificates(certificates, renew=arguments.renew_certificates)
    try:
        store = hospital.KeyStore(
            arguments.folder / "keys.sqlite",
            uses=arguments.uses,
            accept_lost=arguments.accept_lost_keys,
        )
    except hospital.LostKeysError as error:
        sys.exit(f"Error: {error} with --accept-lost-keys")
    # Random bytes are mixed into each key, so that a seed image may be used again.
    keys = map(generator.generate, itertools.cycle(seeds.images))
    seconds = round(60 * arguments.minutes)
    options = {"seconds": seconds + 60} if arguments.archive == "orthanc" else {}
    archive = {"small": hospital.SmallPacs, "orthanc": hospital.Orthanc}[arguments.archive]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        hospital.KeyServer(
            store,
            keys,
            certificates,
            arguments.key_port,
            quota=arguments.quota,
            audit_trail=arguments.audit,
        ) as server,
        archive(
            arguments.folder / arguments.archive, certificates, arguments.pacs_port, **options
        ) as pacs,
    ):
        print(
            f"archive: port {pacs.port}; key server: port {server.port}; Ctrl-C stops both",
            flush=True,
        )
        try:
            time.sleep(seconds)
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
