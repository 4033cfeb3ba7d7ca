"""What a session with ``--aws`` has run on the instances: its own words, seeds and variables, and nothing in vain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.settings import parse_settings
from pytest_benchmark_aws.session import options, shipping

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.core.settings import Settings

TEST = "import pytest\npytestmark = pytest.mark.instance_type('m5.large')\n"


def after(args: list[str], word: str) -> list[str]:
    """The arguments behind a word."""
    return args[args.index(word) + 1 :]


def test_e1_e2_the_ini_files_addopts_are_words_of_the_one_command_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come first and are not read again there; what selects or reports stays here, wherever it is said."""
    pytester.makeini("[pytest]\naddopts = -m 'not bench' --lf --tb=line --junitxml=o.xml --strict-markers\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--tb=long -k this")
    args = shipping.guest_args(pytester.parseconfig("-m", "bench", "--tb=short", "-x"))
    assert args.count("addopts=") == 1
    assert after(args, "addopts=") == ["--tb=line", "--strict-markers", "--tb=long", "--tb=short", "-x"]


@pytest.mark.parametrize("words", [["-o", "addopts=-x -k no"], ["-oaddopts=-x -k no"]])
def test_an_addopts_of_the_command_line_takes_the_place_of_the_files(
    pytester: pytest.Pytester, words: list[str]
) -> None:
    """Here and there: its words count, and it is not passed on to be read again."""
    pytester.makeini("[pytest]\naddopts = --tb=line\n")
    assert after(shipping.guest_args(pytester.parseconfig(*words, "--tb=no")), "addopts=") == ["-x", "--tb=no"]


def test_an_ini_file_below_the_rootdir_is_named_by_its_path(pytester: pytest.Pytester) -> None:
    """``-c bench/pytest.ini --rootdir=.`` holds there too, and the file is shipped though git may ignore it."""
    (pytester.mkdir("bench") / "own.ini").write_text("[pytest]\naddopts = -x\n")
    config = pytester.parseconfig("-c", "bench/own.ini", "--rootdir=.")
    assert after(shipping.guest_args(config), "-c") == ["bench/own.ini", "-o", "addopts=", "-x"]


def test_words_in_a_file_and_flags_together_are_read_as_pytest_reads_them(pytester: pytest.Pytester) -> None:
    """``@FILE`` has one word on a line; ``-xk EXPR`` is ``-x`` and what stays here; ``-c /dev/null`` is no ini file."""
    (pytester.path / "words.txt").write_text("-sk\nnot a\n--tb=short\n")
    pytester.makeini("[pytest]\naddopts = --lf\n")
    config = pytester.parseconfig("@words.txt", "-vxm", "not b", "-c", "/dev/null", "--rootdir=.")
    args = shipping.guest_args(config)
    assert after(args, "-c") == ["/dev/null", "-o", "addopts=", "-s", "--tb=short", "-vx"]
    assert not shipping.collect(config, settings_for(pytester.path), []).read


def test_a_session_in_a_folder_of_the_project_runs_there_too(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rootdir and its ini file are named as they are from that folder."""
    pytester.makeini("[pytest]\n")
    monkeypatch.chdir(pytester.mkdir("bench"))
    args = shipping.guest_args(pytester.parseconfig())
    assert args[0] == "--rootdir=.."
    assert after(args, "-c")[0] == "../tox.ini"


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("randomly_seed", 1234, ["--randomly-seed=1234"]),
        ("randomly_seed", "default", []),
        ("random_order_seed", "77", ["--random-order-seed=77"]),
        ("random_order_seed", None, []),
    ],
)
def test_e5_the_seed_of_this_session_is_the_one_there(
    pytester: pytest.Pytester, option: str, value: object, word: list[str]
) -> None:
    """As pytest-randomly has it once it is configured: a number, in the place of what was asked for."""
    config = pytester.parseconfig()
    setattr(config.option, option, value)
    assert after(shipping.guest_args(config), "addopts=") == word


def test_e5_with_pytest_randomly_itself(pytester: pytest.Pytester) -> None:
    """The seed that it chose here, though the command line says ``last``."""
    pytest.importorskip("pytest_randomly")
    config = pytester.parseconfigure("-p", "randomly", "--randomly-seed=last")
    assert shipping.guest_args(config)[-1] == f"--randomly-seed={config.option.randomly_seed}"


@pytest.mark.parametrize(
    ("addopts", "words", "refusal"),
    [
        (
            "--benchmark-disable",
            [],
            r"--benchmark-disable is in force \(.*addopts of .*tox\.ini\).*give --benchmark-enable",
        ),
        ("", ["--benchmark-disable"], r"give --benchmark-enable"),
        ("--benchmark-disable", ["--benchmark-enable"], None),
    ],
)
def test_e4_where_nothing_is_measured_nothing_is_launched(
    pytester: pytest.Pytester, addopts: str, words: list[str], refusal: str | None
) -> None:
    """By the ini file or the command line; what turns it on is named."""
    pytester.makeini(f"[pytest]\naddopts = {addopts}\n")
    config = pytester.parseconfigure(*words)
    items = [SimpleNamespace(nodeid="test_it.py::test_a", fixturenames=["benchmark"])]
    if refusal is None:
        assert shipping.refuse_unmeasured(config, items) == []  # type: ignore[arg-type]
        return
    with pytest.raises(PlanError, match=refusal):
        shipping.refuse_unmeasured(config, items)  # type: ignore[arg-type]


def test_e4_where_another_plugin_turned_it_off_nothing_is_launched(pytester: pytest.Pytester) -> None:
    """As pytest-codspeed does, which blocks it once it is there: its own fixture measures, and brings nothing home."""
    config = pytester.parseconfigure()
    config.pluginmanager.set_blocked("pytest_benchmark")
    items = [SimpleNamespace(nodeid="test_it.py::test_a", fixturenames=["benchmark"])]
    with pytest.raises(PlanError, match="another plugin has turned pytest-benchmark off"):
        shipping.refuse_unmeasured(config, items)  # type: ignore[arg-type]


def test_e4_cases_without_the_fixture_are_said(pytester: pytest.Pytester) -> None:
    """Some are named; where none has it, that is refused; asking for it by name counts as having it."""
    items = pytester.getitems(
        "import pytest\n"
        "@pytest.fixture\n"
        "def timed(request): return request.getfixturevalue('benchmark')\n"
        "def test_a(benchmark): ...\n"
        "def test_b(): ...\n"
        "def test_c(timed): ...\n"
        "def test_d(request): request.getfixturevalue('benchmark')\n"
    )
    (note,) = shipping.refuse_unmeasured(items[0].config, items)
    assert note.startswith("not measured")
    assert note.endswith("::test_b")
    with pytest.raises(PlanError, match=r"nothing would be measured: none of the 1 cases.*::test_b"):
        shipping.refuse_unmeasured(items[0].config, items[1:2])


def test_e6_a_limit_of_coverage_is_not_checked_and_that_is_said(pytester: pytest.Pytester) -> None:
    """As what runs on an instance is not counted here; without a limit nothing is said."""
    pytest.importorskip("pytest_cov")
    config = pytester.parseconfigure("-p", "pytest_cov", "--cov=.", "--cov-fail-under=90")
    said = shipping.spare_coverage(config)
    assert said == "--cov-fail-under=90 is not checked: what runs on instances is not counted here"
    assert shipping.spare_coverage(config) is None


CONFIGURED = {
    ".coveragerc": "[report]\nfail_under = 99.5\n",
    "setup.cfg": "[coverage:report]\nfail_under = 99.5\n",
    "tox.ini": "[coverage:report]\nfail_under = 99.5\n",
    "pyproject.toml": "[tool.coverage.report]\nfail_under = 99.5\n",
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_e6_a_limit_of_coverages_own_configuration_is_not_checked(pytester: pytest.Pytester, name: str) -> None:
    """Wherever it stands; the file is named, and pytest-cov has no limit left in any place."""
    pytest.importorskip("pytest_cov")
    (pytester.path / name).write_text(CONFIGURED[name])
    config = pytester.parseconfigure("-p", "pytest_cov", "--cov=.")
    said = shipping.spare_coverage(config)
    assert said == f"fail_under = 99.5 of {name} is not checked: what runs on instances is not counted here"
    limits = {config.option.cov_fail_under, config.pluginmanager.getplugin("_cov").options.cov_fail_under}
    assert limits == {0}


@pytest.mark.parametrize(("words", "there"), [(["--cov=."], ["--cov-fail-under=0"]), ([], [])])
def test_e6_an_instance_checks_no_limit_that_it_reads_itself(
    pytester: pytest.Pytester, words: list[str], there: list[str]
) -> None:
    """Where coverage is counted, and this session's limit is not sent."""
    pytest.importorskip("pytest_cov")
    config = pytester.parseconfigure("-p", "pytest_cov", "--cov-fail-under=90", *words)
    assert [word for word in shipping.guest_args(config) if "fail-under" in word] == there


@pytest.mark.parametrize(("is_new", "updates"), [(True, True), (True, False), (False, True)])
def test_e8_snapshots_of_tests_that_run_elsewhere_are_not_taken_for_unused(
    pytester: pytest.Pytester, is_new: bool, updates: bool
) -> None:
    """Syrupy neither fails the session for them nor deletes them, also one that cannot be told to look for none."""
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_addoption(parser):\n"
        "    for name in ('update_snapshots', 'warn_unused_snapshots') + ('disable_unused_snapshots',) * IS_NEW:\n"
        "        parser.addoption('--' + name, action='store_true')\n"
        "@pytest.fixture\ndef snapshot(): ...\n".replace("IS_NEW", str(is_new))
    )
    with_snapshot, without = pytester.getitems("def test_a(snapshot): ...\ndef test_b(): ...\n")
    config = with_snapshot.config
    config.option.update_snapshots = updates
    assert shipping.spare_snapshots(config, [without]) is None
    assert not config.option.warn_unused_snapshots
    said = shipping.spare_snapshots(config, [with_snapshot, without])
    assert said is not None
    assert said.startswith("unused snapshots are not looked for")
    assert ("--snapshot-update changes no snapshot of a test that runs on an instance" in said) is updates
    assert config.option.warn_unused_snapshots
    assert config.option.disable_unused_snapshots
    assert config.option.update_snapshots is (updates and is_new)


def test_e8_the_time_that_instances_take_is_none_of_this_sessions(pytester: pytest.Pytester) -> None:
    """pytest-timeout's ``session_timeout`` ends later by it; where it is not set, it stays so."""
    config = pytester.parseconfigure()
    shipping.extend_session_timeout(config, 60.0)  # without pytest-timeout
    key = pytest.StashKey[float]()
    config.pluginmanager.unregister(name="timeout")
    config.pluginmanager.register(SimpleNamespace(SESSION_EXPIRE_KEY=key), "timeout")
    for expires, later in ((0, 0), (100.0, 160.0)):
        config.stash[key] = expires
        shipping.extend_session_timeout(config, 60.0)
        assert config.stash[key] == later


def settings_for(root: Path, *env: str) -> Settings:
    """The settings of a session without options but ``--aws-env``."""
    names = [options._parted(usage)[0] for usage in options._OPTIONS]
    return parse_settings({**dict.fromkeys(names), "env": env}, root)


def settings_of(root: Path, *env: str) -> dict[str, str | None]:
    """The variables that ``--aws-env`` asks for."""
    return settings_for(root, *env).environment


def test_f2_variables_go_by_name_or_with_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name alone has its value here; what decides how Python runs goes by itself."""
    monkeypatch.setenv("ZZ_HERE", "a=b")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.delenv("PYTHONOPTIMIZE", raising=False)
    there = shipping.guest_environment(settings_of(tmp_path, "ZZ_HERE", "ZZ_GIVEN=x=y", "ZZ_EMPTY="))
    expected = {"ZZ_HERE": "a=b", "ZZ_GIVEN": "x=y", "ZZ_EMPTY": "", "PYTHONHASHSEED": "7"}
    assert {name: there.get(name) for name in expected} == expected
    assert "PYTHONOPTIMIZE" not in there


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ZZ_NOWHERE", "--aws-env=ZZ_NOWHERE: there is no such variable here; set it, or give ZZ_NOWHERE=VALUE"),
        ("=secret", "--aws-env: give NAME or NAME=VALUE"),
        ("a secret", "--aws-env: give NAME or NAME=VALUE"),
        ("PYTEST_ADDOPTS=-x", "--aws-env=PYTEST_ADDOPTS: "),
        ("PYTEST_BENCHMARK_AWS_GUEST=1", "--aws-env=PYTEST_BENCHMARK_AWS_GUEST: "),
    ],
)
def test_f2_a_wrong_variable_is_refused_without_its_value(tmp_path: Path, text: str, words: str) -> None:
    """With what to give; what was given may be a secret."""
    with pytest.raises(PlanError) as refused:
        shipping.guest_environment(settings_of(tmp_path, text))
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_f2_no_repr_shows_a_value(tmp_path: Path) -> None:
    """Settings and project appear in tracebacks."""
    assert "sesame" not in repr(settings_for(tmp_path, "A=sesame"))


@pytest.mark.parametrize(("taken", "asks"), [("dask_client", True), ("tmp_path", False)])
def test_a_fixture_that_extends_dask_client_needs_a_cluster(pytester: pytest.Pytester, taken: str, asks: bool) -> None:
    """By the same name in the project's conftest; one that takes its place is the project's own affair."""
    pytester.makeconftest(f"import pytest\n@pytest.fixture\ndef dask_client({taken}): return {taken}\n")
    (item,) = pytester.getitems("def test_it(dask_client): pass")
    assert shipping._asks_for_a_cluster(item) is asks
