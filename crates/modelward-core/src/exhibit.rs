//! What a page shows of a measurement: pictures, tables with marked cells, bars.
//!
//! An exhibit is for people. It repeats nothing that programs need, and a form of report that has no page
//! leaves it out.

use crate::Picture;

/// Something to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhibit {
    /// What it is of, in a few words.
    pub title: String,
    /// What is shown and what was left out; empty where that is plain.
    pub about: String,
    /// What there is to see.
    pub shown: Shown,
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// Pictures side by side.
    Pictures(Vec<Picture>),
    /// A table: the names of its columns, and its rows.
    Table(Vec<String>, Vec<Vec<Cell>>),
    /// How many there are of each.
    Bars(Vec<(String, u64)>),
    /// How the values of columns lie.
    Columns(Vec<Spread>),
}

/// A cell: its text in parts, of which some are marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell(pub Vec<(String, bool)>);

impl Cell {
    /// A cell of which nothing is marked.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), false)])
    }

    /// A cell that is marked as a whole.
    pub fn marked(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), true)])
    }
}

/// How the values of one column lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Its name.
    pub name: String,
    /// What is known of it in words: its type, its range, what is missing.
    pub words: String,
    /// How many numbers fall into each of some equal parts of the range from [`Self::from`] to [`Self::to`];
    /// what lies outside counts with the nearest part. None for what holds no numbers.
    pub parts: Vec<u64>,
    /// Where the first part begins.
    pub from: f64,
    /// Where the last part ends.
    pub to: f64,
    /// The first, the middle and the third quartile.
    pub quartiles: Option<[f64; 3]>,
    /// Of a column of names the most frequent, with how many rows have them.
    pub top: Vec<(String, u64)>,
}
