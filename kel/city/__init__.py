"""The city's folder: read, checked, and made into a `kel.model.city.City`.

Laws:
- what checks is what loads: `kel check` calls the same code;
- all mistakes are told at once, each with its file, line and field; none is an exception of a
  parser; a folder with a mistake is refused as a whole;
- reading (`toml_file`, `csv_file`, `json_file`) is the only I/O; the rest is data in, data out.
"""

from kel.city.load import load_city, read_city
from kel.city.toml_file import read_document

__all__ = ["load_city", "read_city", "read_document"]
