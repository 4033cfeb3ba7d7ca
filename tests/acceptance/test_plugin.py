"""The plugin in a project of its own, by the real command line."""

from __future__ import annotations

import json
import sys

import pytest

PLAIN = (
    "pytest_benchmark_aws",
    "pytest_benchmark_aws.hookspec",
    "pytest_benchmark_aws.plugin",
    "pytest_benchmark_aws.session",
    "pytest_benchmark_aws.session.options",
)
"""What a session imports of ours that has no ``--aws`` and no marker of ours: options and hooks."""
LAZY = ("boto3", "botocore", "moto", "rich", "numpy", "lightgbm", "jinja2")


def test_markers_have_help(pytester: pytest.Pytester) -> None:
    """``pytest --markers`` explains both markers."""
    result = pytester.runpytest_subprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.instance_type(*types, market=None)*", "@pytest.mark.requires(memory=*"])


def test_options_have_help_and_ini_twins(pytester: pytest.Pytester) -> None:
    """Each option is listed, and so is the ini value of the same name."""
    result = pytester.runpytest_subprocess("--help")
    text = result.stdout.str()
    for name in ("baselines", "throughput", "scale-parameter"):
        assert f"--aws-{name}" in text
        assert f"aws_{name.replace('-', '_')}" in text


def test_a_marked_test_simply_runs_here(pytester: pytest.Pytester) -> None:
    """Without --aws the instance types only name where the test would run."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.instance_type("m5.8xlarge", "c5.24xlarge", market="spot")
        @pytest.mark.requires(memory="1 KiB", vcpus=1)
        def test_it(benchmark):
            assert benchmark.pedantic(lambda: 1, rounds=2) == 1
        """
    )
    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)


def test_all_wrong_markers_are_reported_at_once(pytester: pytest.Pytester) -> None:
    """Every wrong marker is named with its test, exit code 4, and nothing runs."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.instance_type("m5.9xlarge")
        def test_type(): raise SystemError("ran")

        @pytest.mark.requires(memroy="1 GiB")
        def test_argument(): raise SystemError("ran")
        """
    )
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*::test_type: *'m5.9xlarge'*did you mean 'm5.*", "*::test_argument:*did you mean 'memory'*"]
    )
    assert "SystemError" not in result.stdout.str()


def test_a_misfit_is_skipped_before_its_fixtures_are_made(pytester: pytest.Pytester) -> None:
    """A case too large for this machine is skipped with both numbers, and its data is never made."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def data(): raise SystemError("made")

        @pytest.mark.requires(memory=lambda rows: rows * 2**30)
        @pytest.mark.parametrize("rows", [10**6])
        def test_it(benchmark, data, rows): ...
        """
    )
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["aws: 1 of 1 cases do not fit*", "*needs ≈ 977 TiB of memory, this machine has *iB"])


def test_stored_results_describe_the_machine(pytester: pytest.Pytester) -> None:
    """The JSON carries what decides how fast a machine is, and no EC2 identity off EC2."""
    pytester.makepyfile("def test_it(benchmark): benchmark.pedantic(int, rounds=2)")
    pytester.runpytest_subprocess("--benchmark-json=out.json").assert_outcomes(passed=1)
    info = json.loads((pytester.path / "out.json").read_text())["machine_info"]
    assert info["hardware"]["vcpus"] >= info["hardware"]["cores"] >= 1
    assert info["hardware"]["memory_bytes"] > 2**27
    assert set(info["hardware"]) >= {
        "vcpus",
        "cores",
        "threads_per_core",
        "smt",
        "numa_nodes",
        "cpu_model",
        "kernel",
        "governor",
    }
    assert "steal" in info
    assert "ec2" not in info


def test_comparing_with_an_own_earlier_run_raises_no_machine_warning(pytester: pytest.Pytester) -> None:
    """Save, then compare on the same machine: clock and steal readings alone are no difference."""
    pytester.makepyfile("def test_it(benchmark): benchmark.pedantic(int, rounds=2)")
    pytester.runpytest_subprocess("--benchmark-save=one").assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess("--benchmark-compare=0001")
    result.assert_outcomes(passed=1)
    assert "machine_info is different" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines_random(["*test_it (0001_one)*", "*test_it (NOW)*"])


def test_a_regression_fails_and_still_shows_the_comparison(pytester: pytest.Pytester) -> None:
    """--benchmark-compare-fail fails as in stock pytest-benchmark, after our table was written."""
    pytester.makepyfile("import time\ndef test_it(benchmark): benchmark.pedantic(sum, args=(range(10**6),), rounds=2)")
    pytester.runpytest_subprocess("--benchmark-save=one").assert_outcomes(passed=1)
    (saved,) = (pytester.path / ".benchmarks").glob("*/0001_one.json")
    data = json.loads(saved.read_text())
    stats = data["benchmarks"][0]["stats"]
    stats.update(dict.fromkeys(("min", "max", "mean", "median"), 1e-09))
    saved.write_text(json.dumps(data))
    folder = pytester.mkdir("bases") / "m5.large"
    folder.mkdir()
    (folder / "0001_x.json").write_text(json.dumps(data))
    result = pytester.runpytest_subprocess(
        "--benchmark-compare=0001", "--benchmark-compare-fail=min:5%", "--aws-baselines=bases"
    )
    assert result.ret != 0
    assert "Performance has regressed" in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["*::test_it: this machine next to the baselines*", "▸ this machine*", "*m5.large*"])


def test_on_an_instance_nothing_is_compared(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads baselines is not shipped: a guest measures, and the comparison is at home."""
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_GUEST", "1")
    folder = pytester.mkdir("bases") / "m5.large"
    folder.mkdir()
    (folder / "0001_broken.json").write_text("[1, 2")
    pytester.makepyfile("def test_it(benchmark): benchmark.pedantic(int, rounds=2)")
    result = pytester.runpytest_subprocess("--aws-baselines=bases")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*baseline*")


def test_a_broken_baseline_is_named_and_the_rest_compared(pytester: pytest.Pytester) -> None:
    """A file that is no result is left out by name."""
    folder = pytester.mkdir("bases") / "m5.large"
    folder.mkdir()
    (folder / "0001_broken.json").write_text("[1, 2")
    pytester.makepyfile("def test_it(benchmark): benchmark.pedantic(int, rounds=2)")
    result = pytester.runpytest_subprocess("--aws-baselines=bases")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["aws: baseline left out: *0001_broken.json: no pytest-benchmark result file*"])


def test_without_pytest_benchmark_nothing_breaks(pytester: pytest.Pytester) -> None:
    """``-p no:benchmark`` starts and runs."""
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_subprocess("-p", "no:benchmark").assert_outcomes(passed=1)


def test_a_run_without_aws_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """Loading the plugin and running a marked benchmark imports none of the heavy libraries."""
    pytester.makepyfile(
        f"""
        import pytest, sys

        @pytest.mark.instance_type("m5.large")
        @pytest.mark.requires(memory="1 KiB")
        def test_it(benchmark):
            benchmark.pedantic(int, rounds=2)

        def test_after():
            assert "pytest_benchmark_aws.plugin" in sys.modules
            assert not [name for name in {LAZY!r} if name in sys.modules]
        """
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest"]
    assert pytester.run(*command).ret == 0


def test_a_session_without_our_markers_imports_options_and_hooks_alone(pytester: pytest.Pytester) -> None:
    """To its very end: what runs with --aws, or for a marked test, is not imported where there is none."""
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("imported:", *sorted(name for name in sys.modules if name.startswith("pytest_benchmark_aws")))
        """
    )
    pytester.makepyfile("import pytest\n@pytest.mark.usefixtures()\ndef test_it(): ...")
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"imported: {' '.join(PLAIN)}"])
