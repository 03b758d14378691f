"""Make what CloudBase takes of a function: a folder or a zip file with all that it needs."""

from cloud_openapi.runtime._python import HERE, interpreter, python_of
from cloud_openapi.runtime.packing._cloudbaserc_edit import Edit, add_entry, rc_path
from cloud_openapi.runtime.packing._dependencies import INSTALLERS, Installer
from cloud_openapi.runtime.packing._own_package import has_package, uses_package
from cloud_openapi.runtime.packing._trial import Trial, trial_of
from cloud_openapi.runtime.packing._upload import Upload, uploads

__all__ = [
    "HERE",
    "INSTALLERS",
    "Edit",
    "Installer",
    "Trial",
    "Upload",
    "add_entry",
    "has_package",
    "interpreter",
    "python_of",
    "rc_path",
    "trial_of",
    "uploads",
    "uses_package",
]
