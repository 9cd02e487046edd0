"""Start the archive and the key server of a hospital on this machine, until Ctrl-C or a time.

    python tools/hospital.py hospital/ --archive orthanc --minutes 60

Everything is kept in the folder, and used again by the next start: certificates, keys, images.
``docs/hospital.md`` says how to send an image to it and how to open one.
"""

import argparse
import signal
import time
from pathlib import Path

from dkg import data, hospital
from dkg.keys import KeyGenerator


def main():
    """Start both, print where they are, and wait."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--archive", choices=("small", "orthanc"), default="small")
    parser.add_argument("--minutes", type=float, default=60, help="then both stop")
    parser.add_argument("--key-port", type=int, default=8443)
    parser.add_argument("--pacs-port", type=int, default=11112)
    parser.add_argument("--seeds", default="montgomery", help="image set of the seed images")
    parser.add_argument("--n-seeds", type=int, default=32, help="how many: one for each image")
    parser.add_argument("--weights", help="a shipped network's name or a path")
    arguments = parser.parse_args()

    certificates = arguments.folder / "certificates"
    if not certificates.exists():
        hospital.make_certificates(certificates)
    store = hospital.KeyStore(arguments.folder / "keys.sqlite")
    generator = KeyGenerator.load(arguments.weights)
    # Each seed image makes one key; those of the keys in the store are used up.
    seeds = data.load(arguments.seeds, n=arguments.n_seeds).images[len(store) :]
    keys = map(generator.generate, seeds)
    seconds = round(60 * arguments.minutes)
    options = {"seconds": seconds + 60} if arguments.archive == "orthanc" else {}
    archive = {"small": hospital.SmallPacs, "orthanc": hospital.Orthanc}[arguments.archive]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        hospital.KeyServer(store, keys, certificates, arguments.key_port) as server,
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
