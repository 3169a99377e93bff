//! Example values for schemas, so that a reader sees a body instead of a type.

use serde_json::{Map, Value, json};

/// Deepest nesting that is shown; deeper values are left out, which also ends recursive types.
const MAX_DEPTH: usize = 6;

/// An example of the schema.
pub(super) fn of(document: &Value, schema: &Value) -> Value {
    value(document, schema, 0)
}

fn value(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default();
        return value(document, &document["components"]["schemas"][name], depth);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut merged = Map::new();
        for part in all {
            if let Value::Object(fields) = value(document, part, depth) {
                merged.extend(fields);
            }
        }
        return Value::Object(merged);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(options) = schema[choice].as_array() {
            let chosen = options.iter().find(|option| option["type"] != "null").unwrap_or(&Value::Null);
            return value(document, chosen, depth);
        }
    }
    match type_of(schema) {
        "object" => object(document, schema, depth),
        "array" => json!([value(document, &schema["items"], depth + 1)]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "string" => json!(match schema["format"].as_str() {
            Some("date-time") => "2026-01-31T12:00:00Z",
            Some("uuid") => "0198c5a0-0000-7000-8000-000000000001",
            Some("binary") => "…",
            _ => "text",
        }),
        _ => Value::Null,
    }
}

fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let mut object: Map<String, Value> =
        fields.map(|(name, field)| (name.clone(), value(document, field, depth + 1))).collect();
    if schema["additionalProperties"].is_object() {
        object.insert("name".to_owned(), value(document, &schema["additionalProperties"], depth + 1));
    }
    Value::Object(object)
}

/// The type; of several, the first that is not null.
pub(super) fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default(),
        _ => "",
    }
}
