//! A scene is written back as the document it was read from: same keys, same order, same digits.

use optiverse_core::scene::Scene;
use proptest::prelude::*;

/// A JSON value as it stands in a text.
#[derive(Debug, Clone)]
enum Json {
    /// A word or a number, as written.
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Without white space; texts escaped as the app does.
    fn compact(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        match self {
            Json::Plain(plain) => plain.clone(),
            Json::Text(text) => escaped(text),
            Json::List(entries) => {
                format!("[{}]", joined(entries.iter().map(Json::compact).collect()))
            }
            Json::Object(entries) => {
                let entry = |(key, value): &(String, Json)| format!("{}:{}", escaped(key), value.compact());
                format!("{{{}}}", joined(entries.iter().map(entry).collect()))
            }
        }
    }
}

fn escaped(text: &str) -> String {
    let mut written = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            ' '..='~' => written.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    written + "\""
}

/// The text without the white space between its tokens.
fn without_space(text: &str) -> String {
    let mut in_text = false;
    let mut after_backslash = false;
    let kept = text.chars().filter(|&character| {
        if in_text {
            in_text = after_backslash || character != '"';
            after_backslash = !after_backslash && character == '\\';
            return true;
        }
        in_text = character == '"';
        !character.is_ascii_whitespace()
    });
    kept.collect()
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1E+400",
            "-0",
            "-0.0",
            "1.50",
            "0e0",
            "1e-999",
            "3.14159265358979323846264338327950288",
            "123456789012345678901234567890"
        ])
        .prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "NaN",
            "x: NaN, [Infinity]",
            "\"-Infinity\"",
            "$serde_json::private::Number",
            "$serde_json::private::RawValue",
            ""
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
        prop::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
    ]
}

fn object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Vec<(String, Json)>> {
    let key = prop_oneof![
        text(),
        prop::sample::select(vec!["item_uuid", "_type", "id", "kind", "x_mm"]).prop_map(str::to_owned)
    ];
    prop::collection::vec((key, value), 0..5).prop_map(|mut entries| {
        // Of a repeated key only one value can be kept; that is tested elsewhere.
        let mut seen = std::collections::HashSet::new();
        entries.retain(|(key, _)| seen.insert(key.clone()));
        entries
    })
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(|word| Json::Plain(word.to_owned())),
        number().prop_map(Json::Plain),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            object(inner).prop_map(Json::Object),
        ]
    })
}

/// A document with lists of items among other keys, in any order.
fn document() -> impl Strategy<Value = Json> {
    let sections = vec!["items", "rulers", "texts", "sources", "lenses", "components", "path_measures"];
    let list = (
        prop::sample::select(sections).prop_map(str::to_owned),
        prop::collection::vec(object(value()).prop_map(Json::Object), 0..4).prop_map(Json::List),
    );
    let other = (text(), value());
    let keys = vec!["version", "layer_state", "groups", "linked_assembly_cache"];
    let known = (prop::sample::select(keys).prop_map(str::to_owned), value());
    prop::collection::vec(prop_oneof![2 => list, 1 => other, 1 => known], 0..8).prop_map(|mut entries| {
        let mut seen = std::collections::HashSet::new();
        entries.retain(|(key, _)| seen.insert(key.clone()));
        Json::Object(entries)
    })
}

proptest! {
    #[test]
    fn a_document_comes_back_token_by_token(document in document()) {
        let text = document.compact();
        let scene = Scene::from_json(&text).unwrap();
        let first = scene.to_json();
        prop_assert_eq!(without_space(&first), text);
        let second = Scene::from_json(&first).unwrap().to_json();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        if let Ok(scene) = Scene::from_json(&text) {
            prop_assert!(Scene::from_json(&scene.to_json()).is_ok());
        }
    }
}

#[test]
fn the_example_files_come_back_token_by_token() {
    for text in [include_str!("data/scene/assembly.json"), include_str!("data/scene/older_format.json")] {
        assert_eq!(without_space(&Scene::from_json(text).unwrap().to_json()), without_space(text));
    }
}

#[test]
fn a_file_laid_out_by_the_app_comes_back_byte_by_byte() {
    let text = "{\n  \"version\": \"2.0\",\n  \"items\": [\n    {\n      \"name\": \"\\u00b5\\ud83d\\ude00\\u007f\\u001f\\t/\",\n      \
                \"x_mm\": NaN,\n      \"interfaces\": [],\n      \"reference_line_mm\": [\n        -0.0,\n        1e-07\n      ]\n    \
                }\n  ],\n  \"layer_state\": {}\n}";
    assert_eq!(Scene::from_json(text).unwrap().to_json(), text);
}

#[test]
fn a_byte_order_mark_is_ignored() {
    assert_eq!(Scene::from_json("\u{feff}{}").unwrap().to_json(), "{}");
}

#[test]
fn the_private_marker_of_the_json_library_is_an_ordinary_key() {
    let text = r#"{"items":[{"x_mm":{"$serde_json::private::Number":"not a number"}}]}"#;
    assert_eq!(without_space(&Scene::from_json(text).unwrap().to_json()), text);
}
