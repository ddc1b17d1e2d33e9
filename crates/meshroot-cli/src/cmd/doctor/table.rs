//! The matrix. Clusters that behave alike, as those of one root do, are one row and one column when there are many.

use std::collections::{BTreeMap, HashMap};

use meshroot::doctor::{Diagnosis, Plane, Verdict};

use super::words::names;
use crate::output::{Out, Style};

/// More rows or columns than this do not fit; then clusters are put into classes.
const MOST_SHOWN: usize = 12;

/// An answer for both planes, as far as they were judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Answers {
    sidecar: Option<Answer>,
    ambient: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Yes,
    No,
    Unknown,
}

/// All answers, by the place of their row and column.
#[derive(Debug)]
pub(super) struct Table<'a> {
    rows: Vec<&'a str>,
    columns: Vec<&'a str>,
    answers: HashMap<(usize, usize), Answers>,
    /// In the order in which they are printed.
    classes: Vec<Class<'a>>,
    class_of: HashMap<&'a str, usize>,
}

/// Whether a pair is worth explaining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is explained, and stands for itself.
    Alone,
    /// It is explained, and stands for all pairs of these classes.
    For(String),
    /// Another pair stands for it.
    Elsewhere,
}

/// Clusters that behave alike.
#[derive(Debug)]
struct Class<'a> {
    label: String,
    members: Vec<&'a str>,
    row: Option<usize>,
    column: Option<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn of(diagnosis: &'a Diagnosis) -> Self {
        let (mut rows, mut columns) = (Index::default(), Index::default());
        let mut answers: HashMap<(usize, usize), Answers> = HashMap::new();
        for cell in &diagnosis.cells {
            let held = answers.entry((rows.of(&cell.row), columns.of(&cell.column))).or_default();
            let answer = Some(match cell.verdict {
                Verdict::Yes { .. } => Answer::Yes,
                Verdict::No { .. } => Answer::No,
                _ => Answer::Unknown,
            });
            match cell.plane {
                Plane::Sidecar => held.sidecar = answer,
                Plane::Ambient => held.ambient = answer,
            }
        }
        let mut table = Self { rows: rows.names, columns: columns.names, answers, classes: Vec::new(), class_of: HashMap::new() };
        table.classes = if table.clusters() > MOST_SHOWN { table.alike() } else { table.singly() };
        let members = table.classes.iter().enumerate().flat_map(|(at, class)| class.members.iter().map(move |member| (*member, at)));
        table.class_of = members.collect();
        table
    }

    /// Whether this pair stands for others.
    pub(super) fn likeness(&self, row: &str, column: &str) -> Likeness {
        let class = |name| self.class_of.get(name).and_then(|at| self.classes.get(*at));
        let (Some(from), Some(to)) = (class(row), class(column)) else { return Likeness::Alone };
        if from.members.len() < 2 && to.members.len() < 2 {
            return Likeness::Alone;
        }
        // A cluster in itself is another matter than two of one class.
        let stands_for_it = if from.label == to.label { to.members.get(1) } else { to.members.first() };
        match (from.members.first() == Some(&row), stands_for_it == Some(&column)) {
            (true, true) => Likeness::For(format!("{} → {}", from.label, to.label)),
            (true, false) if row == column => Likeness::For(format!("{}, each in itself", from.label)),
            _ => Likeness::Elsewhere,
        }
    }

    pub(super) fn pairs(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn clusters(&self) -> usize {
        self.rows.len().max(self.columns.len())
    }

    fn answer(&self, row: Option<usize>, column: Option<usize>) -> Answers {
        row.zip(column).and_then(|at| self.answers.get(&at)).copied().unwrap_or_default()
    }

    /// Clusters whose whole row and whole column are the same.
    fn alike(&self) -> Vec<Class<'a>> {
        let place = |names: &[&'a str]| -> HashMap<&'a str, usize> { names.iter().enumerate().map(|(at, name)| (*name, at)).collect() };
        let (row_of, column_of) = (place(&self.rows), place(&self.columns));
        let every = self.rows.iter().chain(self.columns.iter().filter(|name| !row_of.contains_key(*name)));
        let mut found: HashMap<(Vec<Answers>, Vec<Answers>), usize> = HashMap::new();
        let mut classes: Vec<Class<'a>> = Vec::new();
        for name in every {
            let (row, column) = (row_of.get(name).copied(), column_of.get(name).copied());
            let across = row.map_or_else(Vec::new, |row| (0..self.columns.len()).map(|column| self.answer(Some(row), Some(column))).collect());
            let down = column.map_or_else(Vec::new, |column| (0..self.rows.len()).map(|row| self.answer(Some(row), Some(column))).collect());
            let at = *found.entry((across, down)).or_insert_with(|| {
                classes.push(Class { label: String::new(), members: Vec::new(), row, column });
                classes.len().saturating_sub(1)
            });
            if let Some(class) = classes.get_mut(at) {
                class.members.push(name);
            }
        }
        for (number, class) in (1..).zip(&mut classes) {
            class.label = match class.members.as_slice() {
                [one] => (*one).to_owned(),
                several => format!("{} alike #{number}", several.len()),
            };
        }
        classes
    }

    /// Each cluster by itself.
    fn singly(&self) -> Vec<Class<'a>> {
        let column_of: BTreeMap<&str, usize> = self.columns.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let one = |name: &'a str, row, column| Class { label: name.to_owned(), members: vec![name], row, column };
        let rows = self.rows.iter().enumerate().map(|(at, name)| one(name, Some(at), column_of.get(name).copied()));
        let more = self.columns.iter().enumerate().filter(|(_, name)| !self.rows.contains(name));
        rows.chain(more.map(|(at, name)| one(name, None, Some(at)))).collect()
    }
}

/// Names in the order in which they come up.
#[derive(Default)]
struct Index<'a> {
    names: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    fn of(&mut self, name: &'a str) -> usize {
        *self.places.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len().saturating_sub(1)
        })
    }
}

pub(super) fn print(out: &Out, table: &Table<'_>) {
    if table.answers.is_empty() {
        return;
    }
    let classes = &table.classes;
    let planes_differ = table.answers.values().any(|answers| answers.sidecar != answers.ambient);
    let how = if planes_differ { "  (sidecars/ambient, where they differ)" } else { "" };
    out.line(format_args!("{}{how}", out.styled(Style::Strong, "Is a workload of the row accepted in the column?")));
    if classes.len() > MOST_SHOWN {
        out.line(format_args!("  {} rows and {} columns are too many to show: see --json", table.rows.len(), table.columns.len()));
        out.line("");
        return;
    }
    let rows: Vec<&Class<'_>> = classes.iter().filter(|class| class.row.is_some()).collect();
    let columns: Vec<&Class<'_>> = classes.iter().filter(|class| class.column.is_some()).collect();
    let first = rows.iter().map(|class| class.label.chars().count()).max().unwrap_or(0);
    let head: String = columns.iter().map(|class| format!("  {:<8}", class.label)).collect();
    out.line(format_args!("  {:first$}{}", "", head.trim_end()));
    for row in &rows {
        let mut line = format!("  {:<first$}", row.label);
        for column in &columns {
            let answers = table.answer(row.row, column.column);
            let (text, style) = in_words(answers);
            let room = column.label.chars().count().max(8).saturating_sub(text.chars().count());
            line.push_str(&format!("  {}{:room$}", out.styled(style, &text), ""));
        }
        out.line(line.trim_end());
    }
    for class in classes.iter().filter(|class| class.members.len() > 1) {
        out.line(format_args!("  {}: {}", class.label, names(class.members.iter())));
    }
    out.line("");
}

fn in_words(answers: Answers) -> (String, Style) {
    let word = |answer: Option<Answer>| match answer {
        Some(Answer::Yes) => "yes",
        Some(Answer::No) => "NO",
        Some(Answer::Unknown) => "?",
        None => "-",
    };
    let text = if answers.sidecar == answers.ambient {
        word(answers.sidecar).to_owned()
    } else {
        format!("{}/{}", word(answers.sidecar), word(answers.ambient))
    };
    let both = [answers.sidecar, answers.ambient];
    let style = if both.contains(&Some(Answer::No)) {
        Style::Bad
    } else if both.contains(&Some(Answer::Unknown)) {
        Style::Warn
    } else if both.contains(&Some(Answer::Yes)) {
        Style::Good
    } else {
        Style::Faint
    };
    (text, style)
}
