//! What programs that are healthy have to say to the owner of the service.

use super::board::Board;
use crate::world::World;

/// Everything that instances of the service note, each once, as one line.
pub(super) fn notes(board: &Board<'_>) -> String {
    let running = board.drafts.iter().filter(|draft| draft.is_running()).filter_map(|draft| draft.row);
    let processes = running.filter_map(|row| row.report.as_ref()).flat_map(|report| &report.processes);
    let mut notes: Vec<String> = Vec::new();
    for line in processes.filter(|process| process.healthy).flat_map(|process| process.note.lines()) {
        if let Some(note) = for_the_owner(line, board.world)
            && !notes.contains(&note)
        {
            notes.push(note);
        }
    }
    notes.join(" ")
}

/// Programs know versions of the code by their ids, owners by their numbers. What is about another version than the one that
/// the owner wants served is not worth a word.
fn for_the_owner(note: &str, world: &World) -> Option<String> {
    let mut text = note.to_owned();
    for version in &world.versions {
        let id = version.spec.id.to_string();
        if text.contains(&id) {
            if world.service.active != Some(version.spec.id) {
                return None;
            }
            text = text.replace(&id, &version.number.to_string());
        }
    }
    Some(text)
}
