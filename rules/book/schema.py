"""The rulebook's JSON Schema, for editors that complete and check a `rules.toml` while it is typed.

Law: it says what the shapes of the kinds say, and is made of them alone; what needs the city is for
`kel check`.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rules.book.override import Override
from rules.core.rule import Shape, said
from rules.kinds import KINDS, RULE

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Plain(GenerateJsonSchema):
    """Without titles made of field names, and with defaults as a rulebook writes them."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # of a table the fields' own defaults say it all
        plain = not isinstance(schema.get("default"), Shape) and schema.get("default") is not None
        return super().default_schema(schema) if plain else self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # TOML has no null: it is left out

    def encode_default(self, dft: Any) -> Any:
        return said(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        found = super().tagged_union_schema(schema)
        found.pop("discriminator", None)  # OpenAPI's alone; each kind's `kind` is a constant
        return found


class _Book(Shape):
    rule: Annotated[list[Any], Field(min_length=1, description="what raises an alert")]
    override: list[Override] = Field(
        default=[], description="a rule with other limits for some of its devices"
    )


def rulebook_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a rulebook with all kinds of rules."""
    book = TypeAdapter(_Book).json_schema(schema_generator=_Plain)
    rule = RULE.json_schema(schema_generator=_Plain, ref_template="#/$defs/{model}")
    definitions = {**book.pop("$defs"), **rule.pop("$defs")}
    book["properties"]["rule"]["items"] = rule
    for spec in KINDS.values():
        shape = definitions[spec.shape.__name__]
        shape["required"] = sorted({*shape.get("required", []), "kind"})
    names = {"title": "KEL rulebook", "description": "What raises an alert in a city (rules.toml)"}
    return {"$schema": DIALECT, **book, **names, "$defs": dict(sorted(definitions.items()))}
