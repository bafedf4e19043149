"""Makes OpenLineage's own objects of the events of a file, and sends them with its client.

Usage: lineage_client.py EVENTS URL. Prints, as JSON, what its client made of each event.
"""

import json
import sys
import typing

import attr
from openlineage.client import OpenLineageClient, event_v2, facet_v2
from openlineage.client.facet_v2 import InputDatasetFacet
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpConfig, HttpTransport

MODULES = [module for name, module in vars(facet_v2).items() if hasattr(module, "__file__")]


def class_of(schema_url):
    """None of a facet that is Sluice's own."""
    name = schema_url.rsplit("/", 1)[1]
    if name == "InputDatasetFacet":
        return None
    return next(getattr(module, name) for module in MODULES if hasattr(module, name))


def made(kind, value):
    """An object of this type: an unknown or a missing field is an error."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is typing.Any:
        return value
    if args and type(None) in args:
        return made(next(arg for arg in args if arg is not type(None)), value)
    if origin is list:
        return [made(args[0], item) for item in value]
    if origin is dict:
        return {key: made(args[1], item) for key, item in value.items()}
    if attr.has(kind):
        hints = typing.get_type_hints(kind, localns={"list": list})
        return kind(**{name: made(hints[name], item) for name, item in value.items()})
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not {kind}")
    return value


def facet(value):
    content = {name: item for name, item in value.items() if not name.startswith("_")}
    kind = class_of(value["_schemaURL"])
    if kind is None:
        return InputDatasetFacet(producer=value["_producer"]).with_additional_properties(**content)
    hints = typing.get_type_hints(kind)
    made_content = {name: made(hints[name], item) for name, item in content.items()}
    return kind(producer=value["_producer"], **made_content)


def facets(values):
    return {key: facet(value) for key, value in values.items()}


def dataset(kind, value, own):
    more = {own: facets(value[own])}
    return kind(namespace=value["namespace"], name=value["name"], facets=facets(value["facets"]), **more)


def event(value):
    run, job = value["run"], value["job"]
    return event_v2.RunEvent(
        eventType=event_v2.RunState[value["eventType"]],
        eventTime=value["eventTime"],
        producer=value["producer"],
        run=event_v2.Run(runId=run["runId"], facets=facets(run["facets"])),
        job=event_v2.Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"])),
        inputs=[dataset(event_v2.InputDataset, each, "inputFacets") for each in value["inputs"]],
        outputs=[dataset(event_v2.OutputDataset, each, "outputFacets") for each in value["outputs"]],
    )


path, url = sys.argv[1:]
client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url)))
seen = []
with open(path, encoding="utf-8") as lines:
    for line in lines:
        one = event(json.loads(line))
        client.emit(one)
        seen.append(json.loads(Serde.to_json(one)))
client.close()
print(json.dumps(seen))
