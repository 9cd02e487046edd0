"""Images per second through the hospital, by the number of senders, and where the limit is.

    python benchmarks/hospital.py
    python benchmarks/hospital.py --seconds 60 --senders 8 32
    python benchmarks/hospital.py --seconds 60 --senders 8 --archives Orthanc

Senders are processes of their own; they send images of 256 x 256 bytes, each with a key of its own.
The key server, with its store, and the small archive are in the main process; Orthanc, where it is
installed, is its own. Keys are random bytes at first, so that the network does not hide the rest:
the last lines say what it adds. Wall time from the moment that all senders are ready until all are
done, in rounds that take turns; the median is printed with the least and the greatest.

One part alone: the same number of senders does nothing but have keys made, or encrypt, or store
images that were encrypted before. The slowest part alone is where the limit is.

With ``--seconds`` it is a test of endurance instead: senders take and deliver images for that time,
one in ten of 1024 x 1024 bytes, and try again what fails. Then every image that was taken is looked
for in the archive, and twenty of them are opened and compared. The rates are images delivered per
second, until the last one was: of all senders together, and of the slowest, the median and the
fastest sender. The memory is the peak of each process: of the main one, with the key server and the
small archive, after each quarter of the time; of the senders; and of Orthanc. The load is the
number of processes that want to compute, ours among them, as the mean of the last minute.
"""

import argparse
import hashlib
import multiprocessing
import os
import re
import secrets
import tempfile
import time
from pathlib import Path

import numpy as np

from dkg import cipher, dicom, hospital

WORK = ("everything", "keys alone", "encryption alone", "storing alone")


def random_keys():
    random = np.random.default_rng()
    while True:
        yield random.integers(0, 256, cipher.KEY_SHAPE, dtype=np.uint8)


def sender(work, n, folder, certificates, key_port, pacs_port, ready, done):
    keys = hospital.KeyClient(key_port, certificates, "modality")
    pacs = hospital.PacsClient(pacs_port, certificates, "modality")
    modality = hospital.Modality(folder, keys, pacs)
    random = np.random.default_rng()
    images = [
        hospital.new_image(
            random.integers(0, 256, (256, 256), dtype=np.uint8), patient_name="A", patient_id="1"
        )
        for _ in range(n)
    ]
    own = next(random_keys())[None]
    if work == "everything":
        names = [modality.take(image) for image in images]
    elif work == "storing alone":
        images = [dicom.encrypt_dataset(image, next(random_keys())[None]) for image in images]
    ready.wait()
    for place, image in enumerate(images):
        if work == "everything":
            modality.deliver(names[place])
        elif work == "keys alone":
            keys.make(secrets.token_hex(32), 1)
        elif work == "encryption alone":
            dicom.encrypt_dataset(image, own)
        else:
            pacs.store(image)
    done.wait()


def rate(work, senders, n, key_port, pacs_port, certificates):
    """Return the images per second that several senders store together."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(senders + 1), context.Barrier(senders + 1)
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            context.Process(
                target=sender,
                args=(
                    *(work, n // senders, Path(folder, str(number)), certificates),
                    *(key_port, pacs_port, ready, done),
                ),
            )
            for number in range(senders)
        ]
        for process in processes:
            process.start()
        ready.wait(300)
        start = time.perf_counter()
        done.wait(300)
        seconds = time.perf_counter() - start
        for process in processes:
            process.join()
    return senders * (n // senders) / seconds


def digest(image):
    return hashlib.sha256(image.PixelData).hexdigest()


def enduring_sender(seconds, folder, certificates, key_port, pacs_port, ready, results):
    modality = hospital.Modality(
        folder,
        hospital.KeyClient(key_port, certificates, "modality"),
        hospital.PacsClient(pacs_port, certificates, "modality"),
    )
    random = np.random.default_rng()
    taken, delivered, failed = {}, {}, 0
    ready.wait(600)
    end = time.monotonic() + seconds
    while time.monotonic() < end or modality.waiting():
        if time.monotonic() < end:
            side = 256 if len(taken) % 10 else 1024
            pixels = random.integers(0, 256, (side, side), dtype=np.uint8)
            image = hospital.new_image(pixels, patient_name="A", patient_id="1")
            taken[modality.take(image)] = digest(image)
        for uid in modality.waiting():
            try:
                delivered[uid] = modality.deliver(uid).sop_instance_uid
            except hospital.HospitalError as error:
                failed += 1
                if time.monotonic() > end + 300:
                    raise
                if failed == 1:
                    print(f"  tried again: {error}", flush=True)
    results.put((taken, delivered, failed, time.monotonic() - end + seconds, peak("self")))


def peak(process):
    """Return the peak of a process's memory in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def peak_of_orthanc(archive):
    """Return the peak of Orthanc's memory in MiB; it is the child of the process that times it."""
    parent = archive._process.pid
    [child] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return peak(child)


def endure(name, archive_class, senders, seconds):
    """Run senders for a time, and print what became of their images."""
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(senders + 1), context.Queue()
    Path("/proc/self/clear_refs").write_text("5")  # The peak is that of this run.
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        certificates = hospital.make_certificates(folder / "certificates")
        store = hospital.KeyStore(folder / "keys.sqlite")
        with (
            hospital.KeyServer(store, random_keys(), certificates) as server,
            archive_class(folder / "pacs", certificates) as archive,
        ):
            ports = server.port, archive.port
            processes = [
                context.Process(
                    target=enduring_sender,
                    args=(seconds, folder / str(n), certificates, *ports, ready, results),
                )
                for n in range(senders)
            ]
            for process in processes:
                process.start()
            ready.wait(600)
            start, peaks = time.perf_counter(), []
            for _ in range(4):
                time.sleep(seconds / 4)
                peaks.append(peak("self"))
            load = os.getloadavg()[0]
            done = [results.get(timeout=600) for _ in processes]
            took = time.perf_counter() - start
            for process in processes:
                process.join()
            taken = {uid: image for one in done for uid, image in one[0].items()}
            delivered = {uid: stored for one in done for uid, stored in one[1].items()}
            workstation = hospital.Workstation(
                hospital.KeyClient(server.port, certificates, "workstation"),
                hospital.PacsClient(archive.port, certificates, "workstation"),
            )
            in_archive = len(archive.files())
            of_archive = peak_of_orthanc(archive) if name == "Orthanc" else None
            wrong = 0
            for uid in list(taken)[:: -(-len(taken) // 20)]:
                [found] = workstation.find(SOPInstanceUID=delivered[uid])
                wrong += digest(workstation.open(found).image) != taken[uid]
            keys = sum(1 if n % 10 else 6 for one in done for n in range(len(one[0])))
            made = len(store)
    rates = sorted(len(one[1]) / one[3] for one in done)
    of_senders = sorted(one[4] for one in done)
    print(
        f"{name}, {senders} senders, {seconds:g} s: {len(taken)} images taken, "
        f"{len(taken.keys() - delivered.keys())} not delivered, {in_archive} in the archive, "
        f"{wrong} of 20 opened wrongly, {made} keys of {keys}, "
        f"{sum(one[2] for one in done)} tries failed",
        f"  {len(delivered) / took:.1f} images/s together; by sender "
        f"{rates[0]:.2f}, {np.median(rates):.2f}, {rates[-1]:.2f} (least, median, greatest)",
        f"  peak memory in MiB: key server{'' if of_archive else ' and archive'} "
        f"{', '.join(f'{each:.0f}' for each in peaks)}; senders {of_senders[0]:.0f} to "
        f"{of_senders[-1]:.0f}" + (f"; {name} {of_archive:.0f}" if of_archive else ""),
        f"  load {load:.1f} on {os.cpu_count()} cores",
        sep="\n",
        flush=True,
    )


def shown(rates):
    return f"{np.median(rates):6.1f} images/s ({min(rates):.1f} to {max(rates):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=64, help="in each round, by all senders")
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, help="the test of endurance, for that time")
    archives = {"small": hospital.SmallPacs, "Orthanc": hospital.Orthanc}
    parser.add_argument("--archives", nargs="+", choices=archives, default=list(archives))
    arguments = parser.parse_args()
    archives = {name: archives[name] for name in arguments.archives}
    if "Orthanc" in archives and not hospital.find_orthanc():
        print("Orthanc is not installed")
        del archives["Orthanc"]
    if arguments.seconds:
        for name, archive in archives.items():
            for senders in arguments.senders:
                endure(name, archive, senders, arguments.seconds)
        return
    cases = [
        (name, work, senders)
        for name in archives
        for senders in arguments.senders
        for work in WORK
        if work == "everything" or senders == max(arguments.senders)
    ]
    rates = {case: [] for case in cases}
    for _ in range(arguments.rounds):
        for name, work, senders in cases:
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                certificates = hospital.make_certificates(folder / "certificates")
                store = hospital.KeyStore(folder / "keys.sqlite")
                with (
                    hospital.KeyServer(store, random_keys(), certificates) as server,
                    archives[name](folder / "pacs", certificates) as archive,
                ):
                    ports = server.port, archive.port
                    done = rate(work, senders, arguments.images, *ports, certificates)
            rates[name, work, senders].append(done)
    for name in archives:
        alone = np.median(rates[name, "everything", min(arguments.senders)])
        for senders in arguments.senders:
            these = rates[name, "everything", senders]
            print(
                f"{name:14} {senders} sender{'s'[: senders > 1]:1}: {shown(these)}, "
                f"{np.median(these) / alone:.2f} times that of {min(arguments.senders)}"
            )
        for work in WORK[1:]:
            these = rates[name, work, max(arguments.senders)]
            print(f"{name:14} {max(arguments.senders)} senders, {work:16}: {shown(these)}")

    # Not at the top, since every sender imports this file.
    from dkg.data import load
    from dkg.keys import KeyGenerator

    generator = KeyGenerator.load()
    seeds = load("montgomery", n=4).images
    generator.generate(seeds[0])
    times = []
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        generator.generate_many(seeds)
        times.append(len(seeds) / (time.perf_counter() - start))
    print(f"the network {generator.name} alone makes keys for {shown(times)}")


if __name__ == "__main__":
    main()
