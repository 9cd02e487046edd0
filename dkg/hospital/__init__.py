"""The four places of Fig. 1, one file each, on real parts: DICOM services, TLS, a key store.

They need the extra ``dicom``. Everything stays on this machine. ``docs/hospital.md`` says how to
run it, what it protects and what not.
"""

from dkg.hospital.connections import HospitalError, make_certificates
from dkg.hospital.key_server import KeyClient, KeyReuseError, KeyServer, KeyStore
from dkg.hospital.modality import Delivery, Modality, new_image
from dkg.hospital.orthanc import Orthanc, find_orthanc
from dkg.hospital.pacs import PacsClient, SmallPacs
from dkg.hospital.workstation import Opened, Workstation

__all__ = [
    "Delivery",
    "HospitalError",
    "KeyClient",
    "KeyReuseError",
    "KeyServer",
    "KeyStore",
    "Modality",
    "Opened",
    "Orthanc",
    "PacsClient",
    "SmallPacs",
    "Workstation",
    "find_orthanc",
    "make_certificates",
    "new_image",
]
