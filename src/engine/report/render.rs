//! Turns a [`Report`] into blocks, part by part.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::blocks::Block;
use super::model::{Part, PartState, Report};
use super::summary::{accounted_for, grouped, open_items, ran};
use super::{html, markdown};
use crate::engine::readiness::sentences;
use crate::engine::text::{count, inert, inert_short, plural};

/// The whole report as Markdown.
#[must_use]
pub fn markdown_report(report: &Report) -> String {
    markdown::write(&blocks(report))
}

/// The whole report as one HTML page. `page` is the workspace's own page, where it has one.
#[must_use]
pub fn html_report(report: &Report, page: Option<&str>) -> String {
    html::write(page.unwrap_or(html::PAGE), &title(report), &blocks(report))
}

fn title(report: &Report) -> String {
    let mark = if report.rehearsal { "REHEARSAL: " } else { "" };
    format!("{mark}Migration report of {}", inert(&report.migration))
}

/// The pictures of a report, as file name and content, for the report that cannot hold them.
#[must_use]
pub fn pictures(report: &Report) -> Vec<(String, String)> {
    blocks(report)
        .into_iter()
        .filter_map(|block| match block {
            Block::Picture(_, svg, file) => Some((file, svg)),
            _ => None,
        })
        .collect()
}

struct Writer<'a> {
    report: &'a Report,
    zone: TimeZone,
    blocks: Vec<Block>,
}

/// The blocks of a report, in order.
#[must_use]
pub fn blocks(report: &Report) -> Vec<Block> {
    let mut writer = Writer {
        report,
        zone: TimeZone::get(&report.zone).unwrap_or(TimeZone::UTC),
        blocks: vec![Block::Heading(1, title(report))],
    };
    writer.summary();
    writer.asked();
    writer.parts();
    writer.proofs();
    writer.readiness();
    writer.measured();
    writer.monitoring();
    writer.rollback();
    writer.quarantine();
    writer.signed();
    writer.artifacts();
    writer.journal();
    writer.blocks
}

impl Writer<'_> {
    fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    fn heading(&mut self, text: &str) {
        let mark = if self.report.rehearsal { "REHEARSAL: " } else { "" };
        self.push(Block::Heading(2, format!("{mark}{text}")));
    }

    fn lower_heading(&mut self, text: &str) {
        let mark = if self.report.rehearsal { "REHEARSAL: " } else { "" };
        self.push(Block::Heading(3, format!("{mark}{text}")));
    }

    fn at(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string()
    }

    fn maybe_at(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "-".to_owned(), |at| self.at(at))
    }

    fn summary(&mut self) {
        let report = self.report;
        // What is not proved comes before everything else.
        let gaps: Vec<String> = report
            .parts
            .iter()
            .filter(|part| part.state.is_gap())
            .map(|part| {
                format!(
                    "{} is not proved ({}).",
                    part.capability.title(),
                    inert(&part.outcome)
                )
            })
            .collect();
        if !gaps.is_empty() {
            self.push(Block::Warning(gaps.join(" ")));
        }
        let unbalanced: Vec<String> = report
            .parts
            .iter()
            .filter_map(|part| part.counts.as_ref().filter(|counts| !counts.balanced()))
            .map(super::model::Counts::sentence)
            .collect();
        if !unbalanced.is_empty() {
            self.push(Block::Warning(format!(
                "Not every item is accounted for: {}.",
                unbalanced.join(" · ")
            )));
        }
        if report.rehearsal {
            self.push(Block::Warning(
                "This was a rehearsal against embedded stand-ins; no system outside its folder was touched."
                    .to_owned(),
            ));
        }
        if !ran(report) {
            self.push(Block::Paragraph(
                "Nothing has run yet. This report has nothing to say.".to_owned(),
            ));
        }
        let accounted = accounted_for(report);
        if !accounted.is_empty() {
            self.push(Block::Paragraph(format!("Accounted for: {accounted}.")));
        }
        let open = open_items(report);
        self.push(Block::Paragraph(format!(
            "{} in quarantine. As of {}, written by {}. Times are in {}.",
            if open == 1 {
                "1 item is".to_owned()
            } else {
                format!("{} items are", count(open))
            },
            self.at(report.as_of),
            inert(&report.product),
            inert(&report.zone)
        )));
    }

    fn asked(&mut self) {
        let report = self.report;
        self.heading("What was asked");
        let mut rows = vec![
            vec!["Migration".to_owned(), inert(&report.migration)],
            vec!["Type".to_owned(), inert(&report.kind)],
            vec!["Environment".to_owned(), inert(&report.environment)],
        ];
        rows.extend(
            report
                .asked
                .iter()
                .map(|(label, text)| vec![inert(label), inert(text)]),
        );
        self.push(Block::Table(vec!["What".to_owned(), "Value".to_owned()], rows));
    }

    fn parts(&mut self) {
        self.heading("What was done");
        let rows = self.report.parts.iter().map(|part| self.part(part)).collect();
        let header = ["Part", "State", "Outcome", "Evidence", "By", "At"];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
    }

    fn part(&self, part: &Part) -> Vec<String> {
        let outcome = match (part.state, part.outcome.is_empty()) {
            (PartState::NotRun, true) => "not run".to_owned(),
            _ => inert(&part.outcome),
        };
        vec![
            part.capability.title().to_owned(),
            part.state.word().to_owned(),
            outcome,
            dash(&part.evidence),
            dash(&part.by),
            self.maybe_at(part.at),
        ]
    }

    fn proofs(&mut self) {
        let mut rows = Vec::new();
        for part in &self.report.parts {
            if let Some(counts) = &part.counts {
                rows.push(vec![
                    part.capability.title().to_owned(),
                    format!("every one of the {} is accounted for", counts.unit),
                    count(counts.source),
                    format!("{} + {}", count(counts.converted), count(counts.quarantined)),
                    verdict(counts.balanced()),
                ]);
            }
            for line in &part.proof {
                rows.push(vec![
                    part.capability.title().to_owned(),
                    inert(&line.what),
                    inert(&line.source),
                    inert(&line.target),
                    verdict(line.equal),
                ]);
            }
        }
        if rows.is_empty() {
            return;
        }
        self.heading("How it is known");
        let header = [
            "Part",
            "What is compared",
            "As the source says",
            "As the result says",
            "Verdict",
        ];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
    }

    fn readiness(&mut self) {
        let Some(readiness) = &self.report.readiness else {
            return;
        };
        self.heading("Readiness");
        self.push(Block::Bar("Score".to_owned(), readiness.score, readiness.max));
        self.push(Block::Paragraph(format!(
            "{}. {}",
            sentences::recommendation(readiness),
            sentences::now_line(readiness)
        )));
        let mut rows = Vec::new();
        for dimension in &readiness.dimensions {
            rows.push(vec![
                dimension.id.title().to_owned(),
                format!("{}/{}", dimension.points, dimension.max),
                dimension.arithmetic.clone(),
                sentences::evidence(dimension, &self.zone),
                dimension
                    .source
                    .map_or("-", crate::engine::assess::Source::word)
                    .to_owned(),
            ]);
        }
        let header = ["Dimension", "Points", "Arithmetic", "Evidence", "Source"];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
        self.push(Block::Paragraph(format!("Arithmetic: {}.", readiness.arithmetic)));
        if !readiness.actions.is_empty() {
            let actions = readiness
                .actions
                .iter()
                .map(|action| format!("{} (+{})", inert(&action.text), action.gain));
            let actions = actions.collect();
            self.push(Block::Paragraph("What raises it most:".to_owned()));
            self.push(Block::List(actions));
        }
    }

    fn measured(&mut self) {
        let report = self.report;
        if let Some(comparison) = &report.comparison {
            self.heading("Comparison");
            self.blocks.extend(comparison.blocks());
        }
        if let Some(validation) = &report.validation {
            self.heading("Validation");
            self.blocks.extend(validation.blocks());
        }
    }

    fn monitoring(&mut self) {
        let Some(watched) = &self.report.monitoring else {
            return;
        };
        self.heading("Monitoring");
        if watched.breach {
            let said = "The verdict is to roll back, and it stays until a named person takes it back.";
            self.push(Block::Warning(said.to_owned()));
        }
        let facts = watched
            .facts
            .iter()
            .map(|(label, text)| vec![label.clone(), inert(text)])
            .collect();
        self.push(Block::Table(words(&["What", "Value"]), facts));
        if !watched.reasons.is_empty() {
            self.push(Block::List(
                watched.reasons.iter().map(|said| inert(said)).collect(),
            ));
        }
        let header = [
            "Criterion",
            "Limit",
            "Least",
            "Most",
            "Newest",
            "State",
            "Samples unknown",
        ];
        self.push(Block::Table(words(&header), watched.criteria.clone()));
        for plot in &watched.plots {
            let picture = plot.svg(&self.zone);
            self.push(Block::Picture(plot.title.clone(), picture, plot.file()));
        }
        if !watched.plots.is_empty() {
            let said = format!(
                "Dashed: the limit. Shaded and ?: not known, neither healthy nor failing. {}.",
                super::plot::Sign::LEGEND
            );
            self.push(Block::Paragraph(said));
        }
        self.lower_heading("What happened");
        if watched.happened.is_empty() {
            self.push(Block::Paragraph("Nothing changed.".to_owned()));
        } else {
            let rows = watched
                .happened
                .iter()
                .map(|(at, kind, text)| vec![self.at(*at), kind.clone(), inert(text)])
                .collect();
            self.push(Block::Table(words(&["At", "What", "In words"]), rows));
        }
        self.lower_heading("Samples");
        let shown = watched.samples.len() as u64;
        if shown < watched.kept {
            self.push(Block::Paragraph(format!(
                "The newest {} of {}; all that are kept are in {}.",
                count(shown),
                count(watched.kept),
                crate::engine::monitor::document::FILE
            )));
        }
        let rows = watched
            .samples
            .iter()
            .map(|(at, cells)| {
                let mut row = vec![self.at(*at)];
                row.extend(cells.iter().map(|cell| dash(cell)));
                row
            })
            .collect();
        let header = [
            "At",
            "Error rate",
            "Degradation",
            "Availability",
            "Failed validations in a row",
            "Verdict",
            "Score",
            "Missing",
        ];
        self.push(Block::Table(words(&header), rows));
    }

    fn rollback(&mut self) {
        self.heading("Rollback");
        let Some(back) = &self.report.rollback else {
            self.push(Block::Paragraph("No rollback was made.".to_owned()));
            return;
        };
        let said = format!(
            "{}: {}. Approved by {}, {} to {}.",
            back.state.word(),
            inert(back.outcome.trim_end_matches('.')),
            dash(&back.by),
            self.maybe_at(back.from),
            self.maybe_at(back.to)
        );
        self.push(if back.state.is_gap() {
            Block::Warning(said)
        } else {
            Block::Paragraph(said)
        });
        let figures: Vec<Vec<String>> = back
            .figures
            .iter()
            .map(|(label, text)| vec![label.clone(), inert(text)])
            .collect();
        if !figures.is_empty() {
            self.push(Block::Table(
                vec!["What".to_owned(), "What became of it".to_owned()],
                figures,
            ));
        }
        let took = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{} ms", count(ms)));
        let steps: Vec<Vec<String>> = back
            .steps
            .iter()
            .map(|step| {
                vec![
                    inert(&step.title),
                    step.state.clone(),
                    took(step.ms),
                    took(step.rehearsed),
                    dash(&step.text),
                ]
            })
            .collect();
        if !steps.is_empty() {
            let header = ["Step", "State", "Took", "Rehearsed", "What was found"];
            self.push(Block::Table(header.map(str::to_owned).to_vec(), steps));
        }
    }

    fn quarantine(&mut self) {
        self.heading("What was set aside");
        let (named, open) = (grouped(self.report), open_items(self.report));
        if open == 0 {
            self.push(Block::Paragraph("Nothing is in quarantine.".to_owned()));
            return;
        }
        if named < open {
            self.push(Block::Paragraph(format!(
                "The table counts the first {} of {} items; the quarantine files hold all.",
                count(named),
                count(open)
            )));
        }
        let rows = self
            .report
            .quarantine
            .iter()
            .map(|group| {
                let mut examples: Vec<String> = group
                    .examples
                    .iter()
                    .map(|(key, place)| {
                        let key = inert_short(key, 60);
                        if place.is_empty() {
                            key
                        } else {
                            format!("{key} ({})", inert_short(place, 60))
                        }
                    })
                    .collect();
                let rest = group.count.saturating_sub(group.examples.len() as u64);
                if rest > 0 {
                    examples.push(format!("{} more", count(rest)));
                }
                vec![
                    inert(&group.kind),
                    inert(&group.reason),
                    count(group.count),
                    inert(&group.why),
                    inert(&group.hint),
                    examples.join(", "),
                ]
            })
            .collect();
        let header = ["Kind", "Reason", "Count", "Why", "What to do", "Which"];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
    }

    fn signed(&mut self) {
        if self.report.signed.is_empty() {
            return;
        }
        self.heading("Who approved what");
        let rows = self
            .report
            .signed
            .iter()
            .map(|signed| {
                vec![
                    self.at(signed.at),
                    inert(&signed.operator),
                    signed.capability.title().to_owned(),
                    inert(&signed.title),
                    inert(&signed.digest),
                ]
            })
            .collect();
        let header = ["At", "Operator", "Part", "Plan", "Digest"];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
    }

    fn artifacts(&mut self) {
        self.heading("Files");
        if self.report.artifacts.is_empty() {
            self.push(Block::Paragraph("No file was written.".to_owned()));
            return;
        }
        let rows = self
            .report
            .artifacts
            .iter()
            .map(|file| vec![inert(&file.path), count(file.bytes), file.sha256.clone()])
            .collect();
        let header = ["File", "Bytes", "SHA-256"];
        self.push(Block::Table(header.map(str::to_owned).to_vec(), rows));
    }

    fn journal(&mut self) {
        self.heading("Journal");
        let journal = &self.report.journal;
        let gaps = if journal.gaps.is_empty() {
            "no gap in their numbers".to_owned()
        } else {
            format!("missing: {}", journal.gaps.join(", "))
        };
        let said = format!(
            "{}, {gaps}, {} to {}.",
            plural(journal.events, "event", "events"),
            self.maybe_at(journal.first),
            self.maybe_at(journal.last)
        );
        self.push(Block::Paragraph(said));
    }
}

fn words(header: &[&str]) -> Vec<String> {
    header.iter().map(|word| (*word).to_owned()).collect()
}

fn dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        inert(text)
    }
}

fn verdict(equal: bool) -> String {
    if equal { "equal" } else { "DIFFERS" }.to_owned()
}
