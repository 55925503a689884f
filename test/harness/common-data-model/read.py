"""Reads folders by Microsoft's own object model of the Common Data Model. One JSON array of manifests on standard input,
one of answers on output: entities by name with their attributes as resolved, relationships, and what was logged."""

import asyncio
import json
import os
import sys

from cdm.enums import CdmStatusLevel
from cdm.objectmodel import CdmCorpusDefinition
from cdm.storage import LocalAdapter


async def read(path):
    corpus = CdmCorpusDefinition()
    logged = []
    corpus.set_event_callback(lambda _, message: logged.append(message), CdmStatusLevel.WARNING)
    corpus.storage.mount("local", LocalAdapter(os.path.dirname(path)))
    corpus.storage.default_namespace = "local"
    answer = {"entities": {}, "relationships": [], "logged": logged}
    await add(corpus, await corpus.fetch_object_async(os.path.basename(path)), answer)
    return answer


async def add(corpus, manifest, answer):
    answer.setdefault("manifests", []).append(manifest.manifest_name)
    for declared in manifest.entities:
        entity = await corpus.fetch_object_async(declared.entity_path, manifest)
        resolved = await entity.create_resolved_entity_async(f"resolved_{len(answer['entities'])}")
        files = [corpus.storage.create_absolute_corpus_path(p.location, manifest) for p in declared.data_partitions]
        answer["entities"][declared.entity_name] = {
            "files": [corpus.storage.corpus_path_to_adapter_path(file) for file in files],
            "traits": [[t.named_reference for t in p.exhibits_traits] for p in declared.data_partitions],
            "arguments": [p.arguments for p in declared.data_partitions],
            "description": entity.description,
            "attributes": [attribute(a) for a in resolved.attributes],
        }
    answer["relationships"] += [
        [r.from_entity, r.from_entity_attribute, r.to_entity, r.to_entity_attribute] for r in manifest.relationships
    ]
    for below in manifest.sub_manifests:
        await add(corpus, await corpus.fetch_object_async(below.definition, manifest), answer)


def attribute(a):
    shapes = [t for t in a.applied_traits if t.named_reference == "is.dataFormat.numeric.shaped" and len(t.arguments)]
    shape = [shapes[-1].arguments.fetch_value(name) for name in ("precision", "scale")] if shapes else None
    flags = [bool(a._get_property("isPrimaryKey")), bool(a.is_nullable)]
    return [a.name, a.data_format.name, *flags, a.maximum_length, a.description, shape]


async def main():
    print(json.dumps([await read(path) for path in json.load(sys.stdin)]))


asyncio.run(main())
