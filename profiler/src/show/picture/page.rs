//! A drawing and tables on one HTML page that needs no other file.

use super::drawing::Drawing;
use super::svg;
use drawing::escape;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1f242e}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}svg{max-width:100%;height:auto}figure{margin:1rem 0}\
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\
td,th{padding:.25rem .7rem;border-bottom:1px solid #e0e3e9;text-align:right}td:first-child,th:first-child{text-align:left}";

/// What stands on the page below the drawing.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Paragraphs above the table.
    pub notes: Vec<String>,
    /// The table: its first row is its head. May be empty.
    pub rows: Vec<Vec<String>>,
}

/// A drawing and what else is to be said.
#[derive(Clone, Debug)]
pub struct Page {
    /// The drawing.
    pub drawing: Drawing,
    /// Tables below it.
    pub sections: Vec<Section>,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let sections: String = self.sections.iter().map(section).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style></head><body>\n\
             <figure>\n{}</figure>\n{sections}</body></html>\n",
            escape(&self.drawing.title),
            svg::element(&self.drawing)
        )
    }
}

fn section(Section { heading, notes, rows }: &Section) -> String {
    let notes: String = notes.iter().map(|note| format!("<p>{}</p>\n", escape(note))).collect();
    let row = |(i, row): (usize, &Vec<String>)| {
        let tag = if i == 0 { "th" } else { "td" };
        let cells: String = row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    let table = if rows.is_empty() { String::new() } else { format!("<table>\n{rows}</table>\n") };
    format!("<h2>{}</h2>\n{notes}{table}", escape(heading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_else_and_escapes_what_it_shows() {
        let rows = vec![vec!["a<b".to_string()], vec!["1".to_string()]];
        let section = Section { heading: "H&M".to_string(), notes: vec!["n\"".to_string()], rows };
        let html = Page { drawing: Drawing::new(1.0, 1.0, "t"), sections: vec![section] }.html();
        for part in ["<title>t</title>", "<svg ", "<h2>H&amp;M</h2>", "<p>n&quot;</p>", "<th>a&lt;b</th>", "<td>1</td>"] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("src=") && !html.contains("href="));
    }
}
