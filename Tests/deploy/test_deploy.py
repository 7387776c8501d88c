"""Everything that deploys the platform is what its tools take: Kubernetes manifests, the compose file, the balancer, scripts."""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUSTOMIZATIONS = sorted(str(path.parent.relative_to(ROOT)) for path in (ROOT / "k8s").rglob("kustomization.yml")
                        if "components" not in path.parts)
#: Kinds of other projects, whose schemas are not Kubernetes'.
FOREIGN = {"monitoring.coreos.com/v1"}
EXECUTABLES = ["core-node", "rule-engine", "mqtt-transport", "http-transport"]
#: In an image of its own, under the reference platform's name.
JS_EXECUTOR = "js-executor"
BALANCER = {
    "BIND_ADDRESS": "127.0.0.1", "HTTP_PORT": "18080", "MQTT_PORT": "11883", "STATS_PORT": "19999", "CHECK_INTERVAL": "1s",
    "CORE_1": "127.0.0.1:1", "CORE_2": "127.0.0.1:2", "HTTP_TRANSPORT_1": "127.0.0.1:3", "HTTP_TRANSPORT_2": "127.0.0.1:4",
    "MQTT_TRANSPORT_1": "127.0.0.1:5", "MQTT_TRANSPORT_2": "127.0.0.1:6", "MQTT_HEALTH_1": "7", "MQTT_HEALTH_2": "8",
    "CONNECTIONS_PER_IP": "50", "MAX_CONNECTIONS": "1000",
    "API_REQUESTS_10S": "100", "API_REQUESTS_1M": "300", "STATS_USER": "admin", "STATS_PASSWORD": "x"}


def is_recent(program):
    """Whether this kubectl has a kustomize that knows components; Debian 12's does not."""
    return subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True).stdout.find(b"kustomizeVersion") >= 0


@functools.cache
def kubectl():
    installed = shutil.which("kubectl")
    return installed if installed and is_recent(installed) else pathlib.Path(sys.executable).with_name("kubectl")


def built(kustomization):
    result = subprocess.run([kubectl(), "kustomize", ROOT / kustomization], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def containers(documents):
    for document in documents:
        spec = document.get("spec", {}).get("template", {}).get("spec", {})
        for container in spec.get("containers", []):
            yield document, spec, container


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_kustomization_builds_what_the_kubernetes_api_takes(kustomization):
    documents = built(kustomization)
    assert documents
    for document in documents:
        if document["apiVersion"] not in FOREIGN:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("kustomization", [k for k in KUSTOMIZATIONS if "overlays" in k])
def test_names_that_objects_give_each_other_exist(kustomization):
    documents = built(kustomization)
    names = {(document["kind"], document["metadata"]["name"]) for document in documents}
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in documents
              if document["kind"] in ("StatefulSet", "Job")]
    for document in documents:
        if document["kind"] == "Service":
            selector = document["spec"]["selector"]
            assert any(selector.items() <= found.items() for found in labels), selector
        if document["kind"] == "HorizontalPodAutoscaler":
            target = document["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) in names
        if document["kind"] == "StatefulSet":
            assert ("Service", document["spec"]["serviceName"]) in names
        if document["kind"] == "Ingress":
            for rule in document["spec"]["rules"]:
                assert all(("Service", path["backend"]["service"]["name"]) in names for path in rule["http"]["paths"])
    for _, _, container in containers(documents):
        for source in container.get("envFrom", []):
            # A secret is yours to make.
            assert source["secretRef"]["optional"] if "secretRef" in source else ("ConfigMap", source["configMapRef"]["name"]) in names


def test_our_containers_run_without_privileges_and_tell_start_ready_and_live_apart():
    found = [one for one in containers(built("k8s/base")) if one[2]["image"].startswith("needletail")]
    assert {container["name"] for _, _, container in found} == set(EXECUTABLES) | {"install", JS_EXECUTOR}
    for document, spec, container in found:
        assert spec["securityContext"]["runAsUser"] == 799 and spec["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["resources"]["limits"]["memory"]
        config = ROOT / "config" / pathlib.Path(container["args"][2]).name
        assert config.exists() and container["args"][0] in [*EXECUTABLES, JS_EXECUTOR]
        if document["kind"] == "StatefulSet":
            assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
            assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
            assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
            assert spec["terminationGracePeriodSeconds"] >= 60


@pytest.mark.parametrize("kustomization", ["k8s/base", "k8s/overlays/minimal", "k8s/overlays/production"])
def test_no_password_stands_in_manifests_but_for_a_first_try(kustomization):
    documents = built(kustomization)
    assert not [document for document in documents if document["kind"] == "Secret"]
    for _, _, container in containers(documents):
        for variable in container.get("env", []):
            if "PASSWORD" in variable["name"]:
                assert variable["valueFrom"]["secretKeyRef"]["name"] == "needletail-secrets"


def test_every_service_of_ours_has_a_disruption_budget():
    documents = built("k8s/base")
    sets = {document["metadata"]["name"] for document in documents if document["kind"] == "StatefulSet"}
    assert sets == {document["metadata"]["name"] for document in documents if document["kind"] == "PodDisruptionBudget"}


def test_every_pod_of_ours_is_scraped_once():
    documents = built("k8s/overlays/production")
    monitor = next(document for document in documents if document["kind"] == "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [document for document in documents if document["kind"] == "Service"
                and wanted <= document["metadata"]["labels"].items()]
    port = monitor["spec"]["endpoints"][0]["port"]
    assert all(port in [one["name"] for one in service["spec"]["ports"]] for service in services)
    ours = sorted(document["metadata"]["name"] for document in documents if document["kind"] == "StatefulSet")
    assert sorted(service["spec"]["selector"]["app"] for service in services) == ours


def test_what_an_autoscaler_scales_has_no_number_of_its_own():
    documents = built("k8s/overlays/production")
    scaled = {document["spec"]["scaleTargetRef"]["name"] for document in documents
              if document["kind"] == "HorizontalPodAutoscaler"}
    sets = {document["metadata"]["name"]: document["spec"] for document in documents if document["kind"] == "StatefulSet"}
    assert scaled == {"tb-mqtt-transport", "tb-http-transport", "tb-js-executor"}
    assert {name for name, spec in sets.items() if "replicas" not in spec} == scaled


def test_pods_are_kept_apart_from_others_of_their_kind():
    for document in built("k8s/overlays/production"):
        if document["kind"] != "StatefulSet":
            continue
        name, spec = document["metadata"]["name"], document["spec"]["template"]["spec"]
        own = {"matchLabels": {"app": name}}
        (rules,) = spec["affinity"]["podAntiAffinity"].values()
        assert [rule.get("podAffinityTerm", rule)["labelSelector"] for rule in rules] == [own]
        assert [rule["labelSelector"] for rule in spec["topologySpreadConstraints"]] == [own]


def test_acknowledged_messages_of_production_are_on_two_brokers():
    config = next(document for document in built("k8s/overlays/production") if document["kind"] == "ConfigMap")["data"]
    properties = {name: value for name, value in config.items() if name.endswith("_TOPIC_PROPERTIES")}
    assert config["TB_QUEUE_KAFKA_REPLICATION_FACTOR"] == "3" and len(properties) == 4
    assert all("min.insync.replicas:2" in value for value in properties.values())


def test_ingress_paths_lead_where_the_guides_lead():  # cluster.md 9.3
    ingress = next(document for document in built("k8s/base") if document["kind"] == "Ingress")
    paths = {path["path"]: path["backend"]["service"]["name"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths == {"/api/v1/": "tb-http-transport", "/static/rulenode/": "tb-node", "/": "tb-node"}
    # WebSocket sessions last.
    notes = ingress["metadata"]["annotations"]
    for time in ("read", "send"):
        assert int(notes[f"nginx.ingress.kubernetes.io/proxy-{time}-timeout"]) >= 3600


def test_mqtt_over_tls_is_a_component(tmp_path):
    def relative(path):
        return os.path.relpath(ROOT / path, tmp_path.resolve())

    (tmp_path / "kustomization.yml").write_text(
        f"resources: [{relative('k8s/overlays/minimal')}]\ncomponents: [{relative('k8s/components/mqtt-tls')}]\n")
    (transport,) = [one for one in containers(built(tmp_path)) if one[2]["name"] == "mqtt-transport"]
    kubernetes_validate.validate(transport[0], kubernetes_validate.latest_version(), strict=True)
    variables = {one["name"]: one.get("value") for one in transport[2]["env"]}
    assert variables["MQTT_SSL_ENABLED"] == "true"
    (mount,) = [one for one in transport[2]["volumeMounts"] if one["name"] == "tls"]
    assert variables["MQTT_SSL_PEM_CERT"].startswith(mount["mountPath"] + "/")


def environment_file():
    lines = (ROOT / "docker/.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_compose_file_uses_what_exists():
    text = (ROOT / "docker/docker-compose.yml").read_text()
    compose = yaml.safe_load(text)
    assert set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text)) <= set(environment_file())
    services = compose["services"]
    for name, executable in [*zip(EXECUTABLES, EXECUTABLES), ("tb-js-executor", JS_EXECUTOR)]:
        assert services[name]["command"][0] == executable
        assert (ROOT / "config" / pathlib.Path(services[name]["command"][2]).name).exists()
    for name, service in services.items():
        assert service["restart"] == "unless-stopped" and service["networks"] == ["cluster"], name
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / "docker" / source).exists() if source.startswith(".") else source in compose["volumes"], volume


def test_compose_itself_takes_the_compose_file():
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("docker compose is not installed")
    result = subprocess.run(["docker", "compose", "-f", ROOT / "docker/docker-compose.yml", "--profile", "monitoring", "config",
                             "-q"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("names", [{}, {"RESOLVER": "127.0.0.11:53", "CORES": "core-node:8080",
                                        "HTTP_TRANSPORTS": "http-transport:8080", "MQTT_TRANSPORTS": "mqtt-transport:1883",
                                        "MQTT_HEALTH_PORT": "8080"}],
                         ids=["addresses", "resolver"])
def test_haproxy_takes_its_configuration_without_a_warning(names):
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    result = subprocess.run([program, "-c", "-f", ROOT / "docker/haproxy/haproxy.cfg"], capture_output=True, text=True,
                            env={"PATH": os.environ["PATH"], **BALANCER, **names})
    assert result.returncode == 0 and "WARNING" not in result.stderr, result.stderr


def test_the_balancer_gets_every_variable_it_asks_for():
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)\}", (ROOT / "docker/haproxy/haproxy.cfg").read_text()))
    compose = yaml.safe_load((ROOT / "docker/docker-compose.yml").read_text())
    fixed = {name for name in asked if re.search(r"_[12]$", name)}
    assert asked - fixed <= set(compose["services"]["haproxy"]["environment"])


def test_the_dockerfile_builds_and_runs_every_executable():
    text = (ROOT / "docker/Dockerfile").read_text()
    assert re.search(r"install -s needletail core-node /out", text)
    (links,) = re.findall(r"for service in (.*); do ln -s core-node", text)
    assert sorted(["core-node", *links.split()]) == sorted(EXECUTABLES)
    assert "USER 799:799" in text
    # The images alone tell the same as the compose file.
    found = re.findall(r"^HEALTHCHECK [^\n]* CMD \[(.*?)\]$", text, re.S | re.M)
    services, executor = [json.loads("[" + one.replace("\\\n", "") + "]") for one in found]
    if "HTTP_PORT" in services[2]:
        services, executor = executor, services
    compose = yaml.safe_load((ROOT / "docker/docker-compose.yml").read_text())
    for name in EXECUTABLES:
        told = compose["services"][name]["healthcheck"]["test"]
        assert [part.replace("$HTTP_BIND_PORT", "8080").replace("$", "$$") for part in services] == told[1:]
    told = compose["services"]["tb-js-executor"]["healthcheck"]["test"]
    assert [part.replace("$HTTP_PORT", "8888").replace("$", "$$") for part in executor] == told[1:]


def test_scripts_run_in_an_image_of_their_own_that_every_service_asks():
    """The services' image has no library for them, so whoever runs it must ask executors."""
    assert "libjavascriptcoregtk-4.1-0" in installed_in("js-executor") - installed_in("runtime")
    compose = yaml.safe_load((ROOT / "docker/docker-compose.yml").read_text())["services"]
    assert all(compose[name]["environment"]["JS_EVALUATOR"] == "remote" for name in EXECUTABLES)
    assert compose["tb-js-executor"]["image"] != compose["core-node"]["image"]
    for kustomization in ("k8s/base", "k8s/overlays/minimal", "k8s/overlays/production"):
        documents = built(kustomization)
        (config,) = [one["data"] for one in documents if one["metadata"]["name"] == "tb-cluster-stack-config"]
        assert config["JS_EVALUATOR"] == "remote"
        images = {container["name"]: container["image"].split("/")[-1].split(":")[0] for _, _, container in containers(documents)}
        assert {name for name, image in images.items() if image == "needletail-js-executor"} == {JS_EXECUTOR}


@pytest.mark.parametrize("name", EXECUTABLES)
def test_a_link_to_one_executable_is_the_service_that_it_is_called_by(name, tmp_path):
    executable = next((path for path in (ROOT / ".build/release/core-node", ROOT / ".build/debug/core-node") if path.exists()), None)
    if executable is None:
        pytest.skip("not built")
    (tmp_path / name).symlink_to(executable)
    shown = subprocess.run([tmp_path / name, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and f"usage: {name}" in shown.stdout.replace("Usage", "usage"), shown.stdout
    # Ports tell services apart that have all settings in common.
    port = {"mqtt-transport": 8083, "http-transport": 8081}.get(name, 8080)
    settings = subprocess.run([tmp_path / name, "--print-config"], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "SPRING_DATASOURCE_URL": "jdbc:postgresql://localhost/thingsboard"})
    assert f"HTTP_BIND_PORT={port}" in settings.stdout


def test_an_upgrade_replaces_every_service_of_ours_executors_of_scripts_first():
    """Rule engines and core nodes of a new release may be the first that ask for them."""
    (services,) = re.findall(r"for service in (.*); do\n\s+replace ", (ROOT / "docker/cluster").read_text())
    first, *others = services.split()
    assert first == "tb-js-executor" and sorted(others) == sorted(EXECUTABLES)


@pytest.mark.parametrize("script", ["docker/cluster", "Tests/deploy/stand-in-images"])
def test_scripts_are_bash(script):
    assert subprocess.run(["bash", "-n", ROOT / script]).returncode == 0
    shown = subprocess.run([ROOT / script, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "usage:" in shown.stdout
    refused = subprocess.run([ROOT / script, "no-such-command"], capture_output=True, text=True)
    assert refused.returncode == 2 and "usage:" in refused.stderr


def linked_packages(executable):
    """The Debian packages of the libraries that the executable names itself."""
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", subprocess.run(["readelf", "-d", executable], capture_output=True, text=True).stdout)
    places = dict(re.findall(r"(\S+) => (\S+)", subprocess.run(["ldd", executable], capture_output=True, text=True).stdout))
    # By their names: packages may know them by the path that /lib had.
    names = [f"*/{os.path.basename(os.path.realpath(places[name]))}" for name in needed
             if places.get(name, "").startswith(("/lib", "/usr/lib"))]
    owners = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout
    return {line.partition(":")[0] for line in owners.splitlines()}


def installed_in(image):
    """The words of the stages that an image of the Dockerfile is made of, those included that it takes files from."""
    text = (ROOT / "docker/Dockerfile").read_text()
    stages = {name: (base, body) for base, name, body in
              re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.S | re.M)}
    words, wanted = set(), [image]
    while wanted:
        name = wanted.pop()
        if name in stages:
            base, body = stages[name]
            words |= set(body.split())
            wanted += [base, *re.findall(r"--from=(\S+)", body)]
    return words


def test_images_have_what_executables_need_and_nothing_else(tmp_path):
    text = (ROOT / "docker/Dockerfile").read_text()
    for image, programs in {"runtime": ["needletail", *EXECUTABLES], "js-executor": [JS_EXECUTOR]}.items():
        (body,) = re.findall(rf"^FROM scratch AS {image}\n(.*?)(?=^FROM |\Z)", text, re.S | re.M)
        assert "RUN" not in body and "USER 799:799" in body
        (source,) = re.findall(r"--from=(\S+) /image/ /", body)
        (collected,) = re.findall(rf"^FROM common AS {source}\n.*?^RUN collect /image bash ([^\n]*)$", text, re.S | re.M)
        assert sorted(collected.split()) == sorted(programs)
    # What cannot be found is no image.
    assert subprocess.run([ROOT / "docker/collect", tmp_path / "root", "no-such-executable"], capture_output=True).returncode != 0
    assert subprocess.run([ROOT / "docker/collect"], capture_output=True).returncode != 0


# The other services are links to core-node there.
@pytest.mark.parametrize("name, image", [("needletail", "runtime"), ("core-node", "runtime"), (JS_EXECUTOR, "js-executor")])
def test_the_image_has_the_libraries_of_every_executable(name, image):
    executable = next((path for path in (ROOT / ".build/release" / name, ROOT / ".build/debug" / name) if path.exists()), None)
    if executable is None:
        pytest.skip("not built")
    libraries = {package for package in linked_packages(executable) if package not in ("libc6", "libgcc-s1")}
    assert "libssl3" in libraries
    assert sorted(libraries - installed_in(image)) == []
