//! Tables that fit the terminal: columns give way in a fixed order instead of wrapping.

use comfy_table::{Attribute, Cell as Drawn, CellAlignment, Color, ContentArrangement, presets};

use super::format::harmless;
use super::print::Terminal;

/// Space between columns.
const GAP: usize = 2;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub right: bool,
    /// How far it may be cut when room is short.
    pub least: Option<usize>,
    /// Whether it may be left out when room is short: greater ones go first, 0 stays.
    pub spare: u8,
    /// Holds `provider/model`: what is cut first is the provider.
    pub model: bool,
}

impl Column {
    /// A text column that stays.
    #[must_use]
    pub(crate) const fn text(title: &'static str) -> Self {
        Self { title, right: false, least: None, spare: 0, model: false }
    }

    /// A column of numbers that stays.
    #[must_use]
    pub(crate) const fn number(title: &'static str) -> Self {
        Self { right: true, ..Self::text(title) }
    }

    /// A column of models.
    #[must_use]
    pub(crate) const fn model(title: &'static str) -> Self {
        Self { model: true, ..Self::text(title) }
    }

    /// The same, cut down to so many characters when room is short.
    #[must_use]
    pub(crate) const fn least(self, least: usize) -> Self {
        Self { least: Some(least), ..self }
    }

    /// The same, left out when room is short.
    #[must_use]
    pub(crate) const fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }
}

/// What a cell means; shown as a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Look here.
    Warn,
    /// Wrong.
    Bad,
    /// Of less interest.
    Dim,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell(pub String, pub Tone);

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(text, Tone::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self(text.to_owned(), Tone::Plain)
    }
}

/// Rows under headings.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row with a cell per column.
    pub(crate) fn row(&mut self, row: Vec<Cell>) {
        self.rows.push(
            row.into_iter().map(|Cell(text, tone)| Cell(harmless(&text).replace(['\n', '\t'], " "), tone)).collect(),
        );
    }

    /// The table as text. Columns without any value are left out.
    #[must_use]
    pub(crate) fn render(&self, terminal: Terminal) -> String {
        let widths = self.fit(terminal.width);
        let shown = |n: usize| widths.get(n).copied().flatten();
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if terminal.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let heading = |c: &Column, width: usize| {
            let cell = Drawn::new(cut(c.title, width)).set_alignment(alignment(c));
            if terminal.colour { cell.add_attribute(Attribute::Bold) } else { cell }
        };
        let columns = || self.columns.iter().enumerate();
        table.set_header(columns().filter_map(|(n, c)| Some(heading(c, shown(n)?))));
        for row in &self.rows {
            let cells = columns().zip(row).filter_map(|((n, c), Cell(text, tone))| {
                let width = shown(n)?;
                let text = if c.model { cut_model(text, width) } else { cut(text, width) };
                let cell = Drawn::new(text).set_alignment(alignment(c));
                Some(match colour(*tone) {
                    Some(colour) if terminal.colour => cell.fg(colour),
                    _ => cell,
                })
            });
            table.add_row(cells.collect::<Vec<_>>());
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }
        table.trim_fmt() + "\n"
    }

    /// The width per column; `None` for those that are left out.
    fn fit(&self, room: Option<usize>) -> Vec<Option<usize>> {
        let mut widths: Vec<Option<usize>> = (0..self.columns.len()).map(|n| self.natural(n)).collect();
        let Some(room) = room else { return widths };
        let most_spare = self.columns.iter().map(|c| c.spare).max().unwrap_or(0);
        self.leave_out(&mut widths, room, most_spare);
        self.cut_texts(&mut widths, room);
        for spare in (1..most_spare).rev() {
            self.leave_out(&mut widths, room, spare);
        }
        // What these columns gave back goes to the texts.
        for (n, width) in widths.iter_mut().enumerate().filter(|(_, width)| width.is_some()) {
            *width = self.natural(n);
        }
        self.cut_texts(&mut widths, room);
        widths
    }

    fn cut_texts(&self, widths: &mut [Option<usize>], room: usize) {
        for (n, column) in self.columns.iter().enumerate() {
            let over = needed(widths).saturating_sub(room);
            if let (Some(least), Some(Some(width))) = (column.least, widths.get_mut(n)) {
                *width = width.saturating_sub(over).max(least).min(*width);
            }
        }
    }

    fn leave_out(&self, widths: &mut [Option<usize>], room: usize, spare: u8) {
        for (n, column) in self.columns.iter().enumerate() {
            if spare > 0
                && column.spare == spare
                && needed(widths) > room
                && let Some(width) = widths.get_mut(n)
            {
                *width = None;
            }
        }
    }

    fn natural(&self, n: usize) -> Option<usize> {
        let cells = self.rows.iter().filter_map(|row| row.get(n));
        let widest = cells.map(|Cell(text, _)| text.chars().count()).max().unwrap_or(0);
        let title = self.columns.get(n).map_or(0, |c| c.title.chars().count());
        (widest > 0).then_some(widest.max(title))
    }
}

fn needed(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

/// At most `width` characters, with a sign that something was cut.
#[must_use]
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The same for `provider/model`: a model without its provider says more than half a name.
#[must_use]
pub(crate) fn cut_model(text: &str, width: usize) -> String {
    match text.split_once('/') {
        Some((_, model)) if text.chars().count() > width => cut(model, width),
        _ => cut(text, width),
    }
}

/// The text in the colour of its tone.
#[must_use]
pub(crate) fn paint(text: &str, tone: Tone, colour: bool) -> String {
    let code = match tone {
        Tone::Good => 32,
        Tone::Warn => 33,
        Tone::Bad => 31,
        Tone::Dim => 2,
        Tone::Plain => return text.to_owned(),
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn alignment(column: &Column) -> CellAlignment {
    if column.right { CellAlignment::Right } else { CellAlignment::Left }
}

fn colour(tone: Tone) -> Option<Color> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some(Color::Green),
        Tone::Warn => Some(Color::Yellow),
        Tone::Bad => Some(Color::Red),
        Tone::Dim => Some(Color::DarkGrey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = vec![
            Column::model("model").least(6),
            Column::number("cost"),
            Column::text("team").spare(1),
            Column::number("ttft").spare(2),
            Column::text("empty"),
        ];
        let mut table = Table::new(columns);
        table.row(vec!["openai/gpt-4o".into(), "$1".into(), "sales".into(), "12ms".into(), "".into()]);
        table.row(vec!["a\u{1b}[1m".into(), "$12".into(), "".into(), "".into(), "".into()]);
        table
    }

    fn shown(width: Option<usize>) -> String {
        table().render(Terminal { width, colour: false })
    }

    #[test]
    fn a_pipe_gets_everything() {
        assert_eq!(
            shown(None),
            "model          cost  team   ttft\nopenai/gpt-4o    $1  sales  12ms\na\u{fffd}[1m           $12\n"
        );
    }

    #[test]
    fn columns_give_way_in_order() {
        assert_eq!(shown(Some(32)), shown(None));
        assert!(shown(Some(31)).starts_with("model          cost  team\n"));
        assert_eq!(shown(Some(20)), "model   cost  team\ngpt-4o    $1  sales\na\u{fffd}[1m    $12\n");
        assert_eq!(shown(Some(15)), "model   cost\ngpt-4o    $1\na\u{fffd}[1m    $12\n");
    }

    #[test]
    fn the_room_of_a_column_that_is_left_out_goes_to_the_texts() {
        let mut table =
            Table::new(vec![Column::text("name").least(2), Column::text("a").spare(1), Column::text("b").spare(2)]);
        table.row(vec!["ten letter".into(), "123456789".into(), "b".into()]);
        let shown = |width| table.render(Terminal { width: Some(width), colour: false });
        assert_eq!(shown(13), "n…  a\nt…  123456789\n");
        assert_eq!(shown(12), "name\nten letter\n");
    }

    #[test]
    fn colours_only_when_asked_for() {
        let mut table = Table::new(vec![Column::text("status")]);
        table.row(vec![Cell("error".to_owned(), Tone::Bad)]);
        assert!(table.render(Terminal { width: None, colour: true }).contains("\u{1b}["));
        assert!(!table.render(Terminal { width: None, colour: false }).contains('\u{1b}'));
    }
}
