"""The four places of Fig. 1, one file each, on real parts: DICOM services, TLS, a key store.

They need the extra ``dicom``. Everything stays on this machine. ``docs/hospital.md`` says how to
run it, what it protects and what not.

Folders are path-like; one that is written to is made, for its owner only, if it is not there.
`certificates` is the folder that `make_certificates` made, of which a part reads its own two files
and the authority's. A server listens on this machine's own address only, at `port`; 0 takes any
free port, and the attribute `port` says which. It runs until `stop` or the end of its ``with``
block. Keys are uint8 arrays of shape (n, 256, 256, 3). A data set that is an image has its file
meta information. `seconds` in a result are how long each step took.

Every method raises HospitalError if another part cannot be reached, refuses, or answers with
something else, and OSError if a file cannot be read or written. ``Raises`` sections list only what
is added to that.
"""

from dkg.hospital.certificates import make_certificates
from dkg.hospital.connections import HospitalError
from dkg.hospital.key_client import KeyClient
from dkg.hospital.key_server import QUOTA, KeyServer
from dkg.hospital.key_store import KeyRecord, KeyReuseError, KeyStore, LostKeysError
from dkg.hospital.mixing import mix
from dkg.hospital.modality import Delivery, Modality, new_image
from dkg.hospital.orthanc import Orthanc, find_orthanc
from dkg.hospital.pacs import SmallPacs
from dkg.hospital.pacs_client import PacsClient
from dkg.hospital.workstation import Opened, Workstation

__all__ = [
    "QUOTA",
    "Delivery",
    "HospitalError",
    "KeyClient",
    "KeyRecord",
    "KeyReuseError",
    "KeyServer",
    "KeyStore",
    "LostKeysError",
    "Modality",
    "Opened",
    "Orthanc",
    "PacsClient",
    "SmallPacs",
    "Workstation",
    "find_orthanc",
    "make_certificates",
    "mix",
    "new_image",
]
