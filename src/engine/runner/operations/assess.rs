//! `assess write`: the two assessment files.

use super::documents::{self, Document};
use super::{Prepared, World};
use crate::engine::assess::{Questionnaire, document};
use crate::engine::capability::Capability;
use crate::engine::error::Result;

/// Plans the two files.
///
/// # Errors
/// A wrong questionnaire in the workspace.
pub(super) async fn write(world: &World) -> Result<Prepared> {
    let questionnaire = Questionnaire::of(&world.workspace)?;
    let answers = &world.snapshot.answers;
    let answered = questionnaire.questions.len() - answers.open(&questionnaire).count();
    let all = questionnaire.questions.len();
    let documents = vec![
        Document {
            path: "assessment/assessment.md".to_owned(),
            content: document::markdown(&questionnaire, answers, &world.settings.name),
        },
        Document {
            path: "assessment/assessment.json".to_owned(),
            content: document::json(&questionnaire, answers, &world.settings.name),
        },
    ];
    let title = "Write assessment.md and assessment.json".to_owned();
    let summary = format!("assessment.md and .json written, {answered} of {all}");
    documents::prepare(world, Capability::Assess, title, summary, documents).await
}
