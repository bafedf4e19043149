"""Holds a compose file and Kubernetes manifests to their schemas, unknown keys included, and prints what they say:
check_deploy.py <compose file> <manifests>…"""

import json
import sys

import compose_spec
import kubernetes_validate
import yaml

# The newest and the oldest that the package has.
KUBERNETES = ["1.37.0", "1.25.0"]

with open(sys.argv[1]) as file:
    compose = yaml.safe_load(file)
manifests = []
for name in sys.argv[2:]:
    with open(name) as file:
        manifests.append(list(yaml.safe_load_all(file)))

# As JSON: YAML's merge keys are resolved in it.
compose_spec.PyCompose.from_json(json.dumps(compose))
for manifest in (manifest for file in manifests for manifest in file):
    for version in KUBERNETES:
        kubernetes_validate.validate(manifest, version, strict=True)

print(json.dumps({"compose": compose, "manifests": manifests}))
