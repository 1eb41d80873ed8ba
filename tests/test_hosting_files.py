"""What hosts are given: images, proxy, service, recipes; they name what is there."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from engine.settings import Settings, read_settings
from engine.variables import name

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    *("Dockerfile", "Dockerfile.gpu", "compose.yaml", "Makefile", "README.md"),
    *(f"hosting/{path.name}" for path in sorted((ROOT / "hosting").iterdir())),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
)
OF_TESTS = {"ATLAS_TEST_CACHE"}  # tests/engine/kept.py


def read(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES)
def test_every_setting_that_is_named_exists(file: str) -> None:
    known = {name(one.name) for one in fields(Settings)}
    assert set(re.findall(r"ATLAS_[A-Z_]+[A-Z]", read(file))) <= known | OF_TESTS


@pytest.mark.parametrize("file", ["Dockerfile", "Dockerfile.gpu"])
def test_what_an_image_copies_is_there_and_is_sent(file: str) -> None:
    sent = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.+)$", read(file), re.MULTILINE):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(Path(source).match(one) or one.startswith(source + "/") for one in sent)


@pytest.mark.parametrize("file", ["Dockerfile", "Dockerfile.gpu"])
def test_an_image_is_not_root_checks_its_health_and_starts_as_public(file: str) -> None:
    text = read(file)
    assert text.index("USER 1000") < text.index('CMD ["streamlit"')
    assert "HEALTHCHECK" in text and "/healthz" in text
    told = dict(re.findall(r"(ATLAS_\w+)=(\S+)", text))
    assert read_settings(told).mode == "public"


def test_the_gpu_image_takes_the_cuda_build_of_the_same_version() -> None:
    (script,) = re.findall(r"sed '(.+?)' requirements-host.txt", read("Dockerfile.gpu"))
    out = subprocess.run(
        ["sed", script, str(ROOT / "requirements-host.txt")], capture_output=True, text=True
    ).stdout
    assert "onnxruntime-gpu[cuda,cudnn]==1.31.1" in out.splitlines()
    assert not re.search(r"^onnxruntime==", out, re.MULTILINE)


def test_compose_has_three_replicas_that_believe_their_proxy_alone() -> None:
    found = yaml.safe_load(read("compose.yaml"))
    atlas, proxy = found["services"]["atlas"], found["services"]["proxy"]
    assert atlas["deploy"]["replicas"] == 3 and atlas["read_only"] and "ports" not in atlas
    (network,) = found["networks"]["inside"]["ipam"]["config"]
    assert atlas["environment"]["ATLAS_TRUSTED_PROXIES"] == network["subnet"]
    assert "data:/data" in atlas["volumes"] and "./hosting/haproxy.cfg" in proxy["volumes"][0]
    config = read("hosting/haproxy.cfg")
    assert "server-template replica 6" in config and re.search(r"cookie ATLAS insert", config)
    # The recipe of a restart puts new replicas beside the old ones: all must have a place.
    page = read("docs/hosting.md")
    assert re.findall(r"--scale atlas=(\d+)", page) == ["6"]
    assert 2 * atlas["deploy"]["replicas"] == 6


def test_every_recipe_is_there() -> None:
    page = read("docs/hosting.md")
    for word in ("systemd", "compose", "Hugging Face Space", "Community Cloud", "nginx", "Caddy",
                 "TLS", "make offline INTO=", "base path", "hosting/nginx.conf"):  # fmt: skip
        assert word in page, word
    for file in re.findall(r"hosting/[a-z.]+\.(?:service|cfg|sh|conf)", page):
        assert (ROOT / file).exists(), file


@pytest.mark.parametrize(
    ("given", "said"),
    [("WHEELS=here", "make offline INTO=here"), ("PYTHON=no", "install Python 3.11")],
)
def test_packages_are_fetched_into_a_folder_and_nothing_is_installed(
    given: str, said: str, tmp_path: Path
) -> None:
    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        # In a folder of its own, as on a machine that has the repository and nothing else.
        return subprocess.run(
            ["make", "-f", str(ROOT / "Makefile"), *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    planned = make("-n", "offline", "INTO=there").stdout
    assert '-d "there" -r requirements-host.txt' in planned and "pip download" in planned
    assert "engine.installing" not in planned and "run.stamp" not in planned
    found = make("offline", given)
    assert found.returncode != 0 and said in found.stdout + found.stderr
    assert not (tmp_path / "here").exists()


def test_a_folder_of_packages_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "requirements-host.txt").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/bin/true")
    found = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "run", "WHEELS=nowhere"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert found.returncode != 0 and "There is no folder nowhere." in found.stdout


def test_the_limits_that_the_page_names_are_those_of_the_modes() -> None:
    page = read("docs/hosting.md")
    for mode, column in (("class", 2), ("public", 3)):
        found = read_settings({"ATLAS_MODE": mode})
        for row, wanted in (
            ("inside at once", found.sessions),
            ("longest text", found.max_chars),
            ("columns × new tokens", found.writing_tokens),
        ):
            (line,) = [one for one in page.splitlines() if one.startswith(f"| {row}")]
            assert f"{wanted:,}" in line.split("|")[column + 1], (mode, row)
    assert f"{found.address_requests:,}, {found.address_openings}" in page


def test_what_a_cluster_runs_is_there_in_both_files() -> None:
    """hosting/cluster.yaml for one node and hosting/kuberay.yaml for many have the same parts."""
    from engine.cluster import replicas

    here = yaml.safe_load(read("hosting/cluster.yaml"))
    service, *_ = yaml.safe_load_all(read("hosting/kuberay.yaml"))
    there = yaml.safe_load(service["spec"]["serveConfigV2"])
    for plan in (here, there):
        assert plan["proxy_location"] == "Disabled"
        for each in plan["applications"]:
            module, _, builder = each["import_path"].partition(":")
            assert module == replicas.__name__ and callable(getattr(replicas, builder))
            assert each["route_prefix"] is None
            (deployment,) = each["deployments"]
            kind = getattr(replicas, deployment["name"])
            assert issubclass(kind, replicas.Replica) and kind.answers | kind.tasks
    names = [[each["name"] for each in plan["applications"]] for plan in (here, there)]
    assert names[0] == names[1] == ["reader", "mapper"]


def test_the_cluster_is_of_the_version_that_is_pinned() -> None:
    (pin,) = re.findall(r"^ray\[serve\]==(.+)$", read("requirements-cluster.txt"), re.MULTILINE)
    service, *_ = yaml.safe_load_all(read("hosting/kuberay.yaml"))
    assert service["spec"]["rayClusterConfig"]["rayVersion"] == pin
