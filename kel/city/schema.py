"""The JSON Schema of a city's calendars.toml, for editors; what needs other files is `kel check`'s.

That of rules.toml is made where its kinds are (`rules.book.schema`).
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from kel.city.entries import CalendarEntry


class _Plain(GenerateJsonSchema):
    """Without titles made of field names; TOML has no null, what is not said is left out."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


class _Calendars(BaseModel):
    """Times by which rules may be judged (calendars.toml)."""

    model_config = ConfigDict(title="KEL calendars", extra="forbid")
    calendar: list[CalendarEntry] = Field(min_length=1)


def calendars_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of calendars.toml."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **_Calendars.model_json_schema(schema_generator=_Plain)}
