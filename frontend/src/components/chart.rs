//! Lines over time, with their numbers in words.

use crate::chart::{HEIGHT, Line, Unit, WIDTH};
use leptos::prelude::*;

/// A graph with a heading, a legend and a table of its numbers. Redrawn when `lines` changes.
#[component]
pub fn Chart(
    /// Tells apart charts of a page.
    #[prop(into)]
    id: String,
    /// Heading.
    #[prop(into)]
    title: String,
    /// What the numbers mean.
    unit: Unit,
    /// The lines.
    lines: Signal<Vec<Line>>,
    /// Where the axis begins and ends, in words.
    ends: Signal<(String, String)>,
) -> impl IntoView {
    let (title_id, text_id) = (format!("chart-{id}"), format!("chart-{id}-text"));
    let ceiling = Memo::new(move |_| {
        let most = lines.with(|lines| lines.iter().filter_map(Line::highest).reduce(f64::max));
        unit.ceiling(most.unwrap_or(0.0))
    });
    let text = move || lines.with(|lines| in_words(lines, unit));
    let empty = Memo::new(move |_| lines.with(|lines| lines.iter().all(|line| line.newest().is_none())));
    let paths = move || {
        let path = |(place, line): (usize, &Line)| {
            view! { <path class=format!("line line-{}", place % 6) d=line.path(ceiling.get()) vector-effect="non-scaling-stroke" /> }
        };
        lines.with(|lines| lines.iter().enumerate().map(path).collect::<Vec<_>>())
    };
    view! {
        <figure class="chart">
            <figcaption id=title_id.clone()>{title.clone()}</figcaption>
            <div class="chart-body">
                <div class="chart-scale" aria-hidden="true">
                    <span>{move || unit.show(ceiling.get())}</span>
                    <span>{move || unit.show(ceiling.get() / 2.0)}</span>
                    <span>{unit.show(0.0)}</span>
                </div>
                <svg
                    role="img"
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    aria-labelledby=title_id
                    aria-describedby=text_id.clone()
                >
                    <path class="grid" d=grid() vector-effect="non-scaling-stroke" />
                    {paths}
                </svg>
                <div class="chart-ends" aria-hidden="true">
                    <span>{move || ends.get().0}</span>
                    <span>{move || ends.get().1}</span>
                </div>
            </div>
            <p class="chart-text" id=text_id>{text}</p>
            {move || {
                let title = title.clone();
                (!empty.get()).then(|| view! { <Numbers title lines unit /> })
            }}
        </figure>
    }
}

/// Three lines across.
fn grid() -> String {
    [0.0, HEIGHT / 2.0, HEIGHT].map(|y| format!("M0 {y:.0}H{WIDTH:.0}")).concat()
}

/// For people who do not see the lines.
fn in_words(lines: &[Line], unit: Unit) -> String {
    let said: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            Some(format!("{}: now {}, at most {}", line.name, unit.show(line.newest()?), unit.show(line.highest()?)))
        })
        .collect();
    if said.is_empty() { "Nothing was measured.".to_owned() } else { format!("{}.", said.join("; ")) }
}

/// The legend, which is the table too.
#[component]
fn Numbers(title: String, lines: Signal<Vec<Line>>, unit: Unit) -> impl IntoView {
    let number = move |number: Option<f64>| number.map_or_else(|| "–".to_owned(), |number| unit.show(number));
    let rows = move || {
        let row = |(place, line): (usize, &Line)| {
            view! {
                <tr>
                    <th scope="row">
                        <svg class="swatch" viewBox="0 0 24 8" aria-hidden="true">
                            <path class=format!("line line-{}", place % 6) d="M0 4H24" />
                        </svg>
                        {line.name.clone()}
                    </th>
                    <td>{number(line.newest())}</td>
                    <td>{number(line.mean())}</td>
                    <td>{number(line.highest())}</td>
                </tr>
            }
        };
        lines.with(|lines| lines.iter().enumerate().map(row).collect::<Vec<_>>())
    };
    view! {
        <table class="chart-numbers" aria-label=title>
            <thead>
                <tr>
                    <th scope="col">"Line"</th>
                    <th scope="col">"Now"</th>
                    <th scope="col">"Mean"</th>
                    <th scope="col">"Highest"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_graph_says_in_words_what_it_shows() {
        let line = Line { name: "<b>requests</b>".to_owned(), numbers: vec![Some(10.0), Some(7.5)] };
        let html = Owner::new().with(|| {
            let ends = Signal::stored(("12:00".to_owned(), "12:05".to_owned()));
            view! { <Chart id="x" title="Requests" unit=Unit::PerSecond lines=Signal::stored(vec![line]) ends /> }
                .to_html()
        });
        assert!(html.contains("now 7.5/s, at most 10/s"), "{html}");
        assert!(html.contains("aria-labelledby=\"chart-x\"") && html.contains("id=\"chart-x\""), "{html}");
        assert!(html.contains("d=\"M150.0") && !html.contains("<b>requests"), "{html}");
    }
}
