"""The machine model's fit, on tables made here."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("numpy")

from benchmarks import machinemodel, sparecores, unseenmodel
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.predict.model import table
from pytest_benchmark_aws.predict.model.machines import machines_of
from pytest_benchmark_aws.predict.model.posterior import Probe, condition, prior_of

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    name: (cpu, snapshot.catalog().types[name].vcpus or 0)
    for cpu, family in (("Intel A", "m5"), ("AMD EPYC B", "m5a"), ("Neoverse-C", "m6g"), ("Intel D", "m7i"))
    for name in (f"{family}.large", f"{family}.xlarge", f"{family}.2xlarge", f"{family}.4xlarge", f"{family}.8xlarge")
}
SPEED = {"Intel A": 1.0, "AMD EPYC B": 0.8, "Neoverse-C": 1.1, "Intel D": 1.5}


def rate(name: str, workload: str) -> float:
    """Each CPU has its speed; workloads of all threads have it for each vCPU."""
    cpu, vcpus = TYPES[name]
    return SPEED[cpu] * (vcpus if "all" in workload else 1) * (1 + 0.01 * (len(workload) % 3))


def measured_csv(path: Path) -> Path:
    """A table with one blank cell and a burstable type, which does not count."""
    workloads = ["t1: one", "t1: one more", "t2: one again", "t2: all", "t3: all of it", "t3: all again"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        own = ["instance_type", "cpu_model", "vcpus", "threads_per_core", "sockets", "l3", "amx", "avx512", "sve"]
        writer.writerow([*own, *workloads])
        for name, (cpu, vcpus) in TYPES.items():
            cells = [f"{rate(name, workload):.6g}" for workload in workloads]
            if name == "m5.xlarge":
                cells[2] = ""
            writer.writerow([name, cpu, vcpus, 2, 1, "", 0, 0, 0, *cells])
        writer.writerow(["t3.large", "Intel A", 2, 2, 1, "", 0, 0, 0, *["1"] * len(workloads)])
    return path


def test_a_fitted_model_predicts_what_is_like_its_workloads(tmp_path: Path) -> None:
    """Written, read and conditioned on three types, it tells the others within a quarter."""
    measured = machinemodel.read_measured(measured_csv(tmp_path / "rates.csv"))
    assert len(measured.types) == len(TYPES)
    model, rows = machinemodel.fit(measured, range(len(measured.workloads)))
    machinemodel.write(model, rows, tmp_path)
    fitted = table.load(tmp_path)
    machines = {m.name: m for m in machines_of([snapshot.catalog().types[name] for name in TYPES], fitted)}
    seconds = {name: 7 / rate(name, "all") for name in TYPES}
    probed = ["m5.large", "m7i.8xlarge", "m6g.2xlarge", "m5a.xlarge"]
    probes = [Probe(machines[name], math.log(seconds[name]), 1e-4) for name in probed]
    others = [machine for name, machine in machines.items() if name not in probed]
    posterior = condition(prior_of(fitted), probes, others)
    for place, machine in enumerate(others):
        assert math.exp(posterior.quantile(0.5, place)) == pytest.approx(seconds[machine.name], rel=0.25)


def test_the_shipped_files_are_what_the_fit_writes(tmp_path: Path) -> None:
    """The same columns and keys, so that a new fit takes their place."""
    measured = machinemodel.read_measured(measured_csv(tmp_path / "rates.csv"))
    machinemodel.write(*machinemodel.fit(measured, range(6)), tmp_path)
    for name in (table.MODEL, table.TYPES):
        shipped, fitted = (folder / name for folder in (table.FOLDER, tmp_path))
        if name == table.MODEL:
            assert set(json.loads(shipped.read_text())) == set(json.loads(fitted.read_text()))
        else:
            assert shipped.read_text().splitlines()[0] == fitted.read_text().splitlines()[0]


def test_how_cpu_models_are_guessed_is_fitted_to_the_shipped_types() -> None:
    """What the files say of it follows from their own rows."""
    shipped = table.load()
    guessing, specifications = unseenmodel.fit(shipped.types, shipped.amplitudes)
    fitted, there = unseenmodel.as_document(guessing), unseenmodel.as_document(shipped.guessing)
    assert fitted.pop("clock") == pytest.approx(there.pop("clock"), rel=0.02)
    assert fitted == pytest.approx(there, rel=0.02)
    cpus = {row.cpu.name: row.cpu.specification for row in shipped.types.values()}
    assert set(specifications) == {name for name, specification in cpus.items() if specification}


def test_types_that_the_catalog_has_not_teach_nothing_of_cpu_models() -> None:
    """There is no clock to go by."""
    shipped = table.load()
    with pytest.raises(ValueError, match="none of these 1 instance types"):
        unseenmodel.fit({"x99.large": shipped.types["m7i.large"]}, shipped.amplitudes)


def test_spare_cores_database_is_read_as_the_table_is(tmp_path: Path) -> None:
    """Columns as in sparecores-crawler 0.10; what is better when lower is turned round, rare workloads are left out."""
    path = tmp_path / "sc.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE server (vendor_id, server_id, api_reference, vcpus, cpu_cores, cpu_model, cpu_flags)"
        )
        connection.execute("CREATE TABLE benchmark (benchmark_id, framework, higher_is_better)")
        connection.execute(
            "CREATE TABLE benchmark_score (vendor_id, resource_type, resource_id, benchmark_id, config, score)"
        )
        servers = [
            ("aws", "m7i.large", "m7i.large", 2, 1, "Intel D", '["amx_tile", "avx512f"]'),
            ("aws", "m6g.large", "m6g.large", 2, 2, "Neoverse-C", '["sve"]'),
            ("aws", "t3.large", "t3.large", 2, 1, "Intel A", "[]"),
            ("gcp", "n2", "n2", 2, 1, "Intel D", "[]"),
        ]
        connection.executemany("INSERT INTO server VALUES (?, ?, ?, ?, ?, ?, ?)", servers)
        kinds = [("work", "tool", 1), ("latency", "tool", 0), ("rare", "tool", 1)]
        connection.executemany("INSERT INTO benchmark VALUES (?, ?, ?)", kinds)
        scores = [
            ("aws", "SERVER", "m7i.large", "work", '{"cores": 1}', 4.0),
            ("aws", "server", "m6g.large", "work", '{"cores": 1}', 2.0),
            ("aws", "server", "m7i.large", "latency", "{}", 0.5),
            ("aws", "server", "m6g.large", "latency", "{}", 0.25),
            ("aws", "server", "m7i.large", "rare", "{}", 1.0),
            ("gcp", "server", "n2", "work", "{}", 9.0),
        ]
        connection.executemany("INSERT INTO benchmark_score VALUES (?, ?, ?, ?, ?, ?)", scores)
    measured = sparecores.read(path)
    assert [row["instance_type"] for row in measured.types] == ["m6g.large", "m7i.large"]
    assert [row["threads_per_core"] for row in measured.types] == ["1", "2"]
    assert (measured.types[1]["amx"], measured.types[0]["sve"]) == ("1", "1")
    assert measured.workloads == ("tool: latency {}", 'tool: work {"cores": 1}')
    assert np.allclose(np.exp(measured.log_seconds), [[0.25, 0.5], [0.5, 0.25]])


@pytest.mark.parametrize("args", [[], ["rates.csv", "--sparecores"]])
def test_one_source_is_asked_for(args: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A CSV file or the database, not none and not both."""
    monkeypatch.setattr("sys.argv", ["machinemodel", *args])
    with pytest.raises(SystemExit):
        machinemodel.main()
