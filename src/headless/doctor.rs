//! `doctor`: this machine, this terminal and this workspace, every finding with what to do.

use serde::Serialize;

use super::{Ended, Output};
use crate::engine::error::{Error, Result};
use crate::engine::ports::Ports;
use crate::engine::ports::maos::{Capabilities, Presence};
use crate::engine::workspace::{Settings, Workspace};

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Note,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    about: &'static str,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Characters of every kind that the wizard draws with; each must be one cell wide.
const TEST_LINE: &str = "·○●‖✓q✗-?!▸•█▏▎▍▌▋▊▉░│┃▓▒▁▂▃▄▅▆▇─┤━⠋…←→◂";

/// Looks and tells.
///
/// # Errors
/// When standard output is closed.
pub async fn run(workspace: &Workspace, ports: &Ports, output: &mut Output) -> Result<Ended> {
    let mut findings = terminal();
    findings.extend(workspace_findings(workspace, ports).await);
    let (maos, table) = maos(workspace, ports).await;
    findings.extend(maos);
    if output.json() {
        output.document(&serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"), "findings": findings, "maos": table,
        }))?;
    } else {
        output.human(&format!("maos-migrate {}", env!("CARGO_PKG_VERSION")))?;
        for finding in &findings {
            let word = match finding.state {
                State::Ok => "ok  ",
                State::Note => "note",
                State::Bad => "bad ",
            };
            output.human(&format!("{word}  {:<12} {}", finding.about, finding.text))?;
            if let Some(hint) = &finding.hint {
                output.human(&format!("      {:<12} {hint}", ""))?;
            }
        }
        output.human(&format!("test line    |{TEST_LINE}|"))?;
        output.human(&format!(
            "             |{}|",
            "=".repeat(TEST_LINE.chars().count())
        ))?;
        output.human("             The two lines must be equally long; else use --ascii.")?;
    }
    Ok(if findings.iter().any(|finding| finding.state == State::Bad) {
        Ended::WithQuarantine
    } else {
        Ended::Well
    })
}

/// What the MAOS of the settings can do; nothing of it is run but its help.
async fn maos(workspace: &Workspace, ports: &Ports) -> (Vec<Finding>, Option<Capabilities>) {
    let finding = |state, text, hint| Finding {
        about: "maos",
        state,
        text,
        hint,
    };
    let Ok(settings) = Settings::load(workspace, &|name| std::env::var(name).ok()) else {
        // Why the settings cannot be read is said already.
        return (Vec::new(), None);
    };
    let probed = match ports.maos.open(workspace, &settings) {
        Ok(maos) => maos.probe().await.map_err(Error::from),
        Err(error) => Err(error),
    };
    let table = match probed {
        Ok(table) => table,
        Err(error) => return (vec![finding(State::Note, error.message, error.hint)], None),
    };
    let mut findings = vec![finding(
        State::Ok,
        format!(
            "{} at {}: {} present, {} broken, {} absent, {} needing claude",
            table.dialect.title(),
            table.place,
            table.count(Presence::Present),
            table.count(Presence::Broken),
            table.count(Presence::Absent),
            table.count(Presence::NeedsClaude)
        ),
        None,
    )];
    findings.extend(
        table
            .notes
            .iter()
            .map(|note| finding(State::Note, note.clone(), None)),
    );
    findings.extend(table.findings.iter().map(|line| {
        let (state, word) = match line.presence {
            Presence::Present => (State::Ok, "present"),
            Presence::Absent => (State::Note, "absent"),
            Presence::Broken => (State::Note, "broken"),
            Presence::NeedsClaude => (State::Note, "needs claude"),
        };
        let command = if line.command.is_empty() || line.command == line.ability.words() {
            String::new()
        } else {
            format!(" as {}", line.command)
        };
        let words = line.ability.words();
        finding(state, format!("{words:<18} {word}{command}: {}", line.why), None)
    }));
    (findings, Some(table))
}

fn terminal() -> Vec<Finding> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_else(|| "not set".to_owned());
    let usable = !matches!(term.as_str(), "dumb" | "not set");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variable(name))
        .unwrap_or_else(|| "C".to_owned());
    let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    let mut findings = vec![
        Finding {
            about: "terminal",
            state: if usable { State::Ok } else { State::Note },
            text: format!("TERM is {term}"),
            hint: (!usable)
                .then(|| "The wizard draws with ASCII there; --plain asks line by line.".to_owned()),
        },
        Finding {
            about: "locale",
            state: if utf8 { State::Ok } else { State::Note },
            text: format!(
                "{locale}: the wizard draws with {}",
                if utf8 { "Unicode" } else { "ASCII" }
            ),
            hint: (!utf8).then(|| "export LC_ALL=C.UTF-8 allows Unicode.".to_owned()),
        },
    ];
    if variable("NO_COLOR").is_some() {
        findings.push(Finding {
            about: "colour",
            state: State::Note,
            text: "NO_COLOR is set: bold, underline and reverse instead, unless --theme names a palette"
                .to_owned(),
            hint: None,
        });
    }
    if variable("SSH_CONNECTION").is_some() {
        findings.push(Finding {
            about: "mouse",
            state: State::Note,
            text: "over ssh the mouse is off".to_owned(),
            hint: Some("m in the wizard, or --mouse, turns it on.".to_owned()),
        });
    }
    findings
}

async fn workspace_findings(workspace: &Workspace, ports: &Ports) -> Vec<Finding> {
    let root = workspace.root().display().to_string();
    if let Err(error) = workspace.settings_file().try_exists() {
        return vec![Finding {
            about: "workspace",
            state: State::Bad,
            text: format!("{root} cannot be read: {error}"),
            hint: None,
        }];
    }
    if !workspace.root().exists() {
        return vec![Finding {
            about: "workspace",
            state: State::Note,
            text: format!("{root} does not exist yet"),
            hint: Some("maos-migrate creates it; maos-migrate demo makes a sample.".to_owned()),
        }];
    }
    let mut findings = vec![Finding {
        about: "workspace",
        state: State::Ok,
        text: root,
        hint: None,
    }];
    match Settings::load(workspace, &|name| std::env::var(name).ok()) {
        Ok(settings) => {
            findings.push(Finding {
                about: "settings",
                state: State::Ok,
                text: format!(
                    "{}, {} {}",
                    settings.name,
                    settings.environment.word(),
                    settings.target_words()
                ),
                hint: None,
            });
            for warning in &settings.warnings {
                findings.push(Finding {
                    about: "settings",
                    state: State::Note,
                    text: warning.clone(),
                    hint: None,
                });
            }
            for named in [&settings.tasks, &settings.checkpoints, &settings.config]
                .into_iter()
                .flatten()
            {
                findings.push(match named.must_exist() {
                    Ok(()) => Finding {
                        about: "source",
                        state: State::Ok,
                        text: named.written.clone(),
                        hint: None,
                    },
                    Err(error) => Finding {
                        about: "source",
                        state: State::Bad,
                        text: error.message,
                        hint: error.hint,
                    },
                });
            }
        }
        Err(error) => findings.push(Finding {
            about: "settings",
            state: State::Bad,
            text: error.message,
            hint: error.hint,
        }),
    }
    if workspace.journal_file().exists() {
        findings.push(match ports.journals.follow(&workspace.journal_file()).await {
            Ok(journal) => match crate::engine::journal::fold(journal.as_ref()).await {
                Ok(snapshot) => Finding {
                    about: "journal",
                    state: State::Ok,
                    text: format!("{} events, no gap", snapshot.seq),
                    hint: None,
                },
                Err(error) => Finding {
                    about: "journal",
                    state: State::Bad,
                    text: error.message,
                    hint: error.hint,
                },
            },
            Err(error) => Finding {
                about: "journal",
                state: State::Bad,
                text: error.message,
                hint: error.hint,
            },
        });
    }
    findings
}
