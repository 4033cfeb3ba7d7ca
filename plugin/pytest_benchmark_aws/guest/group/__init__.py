"""A group of machines on the instance: who leads, and its Dask cluster; standard library only but for the processes."""
