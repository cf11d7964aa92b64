//! Columns without borders, as `ip`, `birdc` and `kubectl` write them, and pairs of key and value.
//!
//! A table can be written in pages: the title comes once, and columns never get narrower than they were.

use std::io::{self, Write};

use super::screen::{Screen, Tone};

/// One cell: text, and what it means.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text with a meaning.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Other text with the same meaning.
    pub fn with(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

struct Column {
    title: &'static str,
    /// Numbers stand at the right.
    right: bool,
    width: usize,
}

/// Rows under titles.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    titled: bool,
}

impl Table {
    /// Titles; one that starts with `>` is of a column of numbers.
    pub fn new(titles: &[&'static str]) -> Self {
        let column = |title: &&'static str| match title.strip_prefix('>') {
            Some(title) => Column { title, right: true, width: title.len() },
            None => Column { title, right: false, width: title.len() },
        };
        Self { columns: titles.iter().map(column).collect(), rows: Vec::new(), titled: false }
    }

    /// Adds a row, with one cell a column.
    pub fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has one cell a column");
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            column.width = column.width.max(cell.text.chars().count());
        }
        self.rows.push(cells);
    }

    /// Writes the titles, if they have not been, and the rows since the last time.
    pub fn write<W: Write>(&mut self, screen: &mut Screen<W>) -> io::Result<()> {
        if !self.titled {
            let titles = self.columns.iter().map(|column| Cell::toned(column.title, Tone::Dim)).collect::<Vec<_>>();
            self.write_row(&titles, screen)?;
            self.titled = true;
        }
        for row in std::mem::take(&mut self.rows) {
            self.write_row(&row, screen)?;
        }
        Ok(())
    }

    fn write_row<W: Write>(&self, row: &[Cell], screen: &mut Screen<W>) -> io::Result<()> {
        // Blanks are written before the next text only, so that no line ends in them.
        let mut blanks = 0;
        for (column, cell) in self.columns.iter().zip(row) {
            let room = column.width.saturating_sub(cell.text.chars().count());
            let (before, after) = if column.right { (room, 0) } else { (0, room) };
            if !cell.text.is_empty() {
                screen.text(&" ".repeat(blanks + before))?;
                screen.toned(&cell.text, cell.tone)?;
                blanks = 0;
            } else {
                blanks += before;
            }
            blanks += after + 2;
        }
        screen.text("\n")
    }
}

/// Keys and values, one value a line; a key may have several.
#[derive(Default)]
pub struct Facts(Vec<(&'static str, Cell)>);

impl Facts {
    /// Adds a value; an empty key continues the one before.
    pub fn add(&mut self, key: &'static str, value: impl Into<Cell>) {
        self.0.push((key, value.into()));
    }

    /// Adds values under one key; nothing if there are none.
    pub fn add_all(&mut self, key: &'static str, values: impl IntoIterator<Item = Cell>) {
        for (at, value) in values.into_iter().enumerate() {
            self.add(if at == 0 { key } else { "" }, value);
        }
    }

    /// Writes them, `indent` blanks from the left.
    pub fn write<W: Write>(&self, indent: usize, screen: &mut Screen<W>) -> io::Result<()> {
        let width = self.0.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        for (key, value) in &self.0 {
            screen.text(&" ".repeat(indent))?;
            screen.toned(key, Tone::Dim)?;
            screen.text(&" ".repeat(width - key.len() + 2))?;
            screen.toned(&value.text, value.tone)?;
            screen.text("\n")?;
        }
        Ok(())
    }
}
