//! The only place that may make a `<textarea>`: the framework writes a textarea's children into the page as they are,
//! so text that somebody typed could end it and begin a script.

use leptos::prelude::*;

/// A field of several lines.
#[component]
pub fn TextArea(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// First value.
    #[prop(optional, into)]
    value: String,
    /// A sentence below.
    #[prop(optional, into)]
    hint: String,
    /// Height in lines.
    #[prop(default = 3)]
    rows: u32,
    /// Text cannot be longer; 0 for no limit.
    #[prop(optional)]
    max_length: u32,
) -> impl IntoView {
    let id = format!("field-{name}");
    let limit = (max_length > 0).then_some(max_length);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <textarea id=id name=name rows=rows maxlength=limit spellcheck="false" inner_html=escape(&value)></textarea>
            {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
        </div>
    }
}

/// Text as HTML. The leading line end that browsers drop in a textarea is doubled.
fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if escaped.starts_with('\n') { format!("\n{escaped}") } else { escaped }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_the_textarea() {
        let evil = "</textarea><script>alert(1)</script>";
        let html = Owner::new().with(|| view! { <TextArea name="note" label="Note" value=evil /> }.to_html());
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("&lt;/textarea&gt;&lt;script&gt;alert(1)"), "{html}");
        assert_eq!(html.matches("</textarea>").count(), 1, "{html}");
    }

    #[test]
    fn no_other_module_makes_a_textarea() {
        fn sources(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, found);
                } else if std::fs::read_to_string(&path).unwrap().contains("<textarea ") {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut found = Vec::new();
        sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
        assert_eq!(found, ["text_area.rs"]);
    }
}
