"""Arrow: the one package that imports pyarrow. Tables in files (CSV, Parquet) and columns in numpy.

pyarrow is loaded by the commands that read or write such files, and by nothing else.
"""
