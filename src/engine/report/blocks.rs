//! The few blocks a report is built of; each writer knows all of them.

/// A run of text that is already safe to place in a sentence but not yet escaped for any format.
pub type Text = String;

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading of level 1 to 3.
    Heading(u8, Text),
    /// A paragraph.
    Paragraph(Text),
    /// A paragraph that must not be overlooked.
    Warning(Text),
    /// A list.
    List(Vec<Text>),
    /// A table with its header.
    Table(Vec<Text>, Vec<Vec<Text>>),
    /// A share of a whole with its label: `(label, points, max)`. The number always stands beside the bar.
    Bar(Text, i64, i64),
    /// A figure over time: its title, its picture, and the file of the picture for a writer that cannot hold it.
    Picture(Text, String, String),
}
