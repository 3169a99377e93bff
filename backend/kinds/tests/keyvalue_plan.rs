//! What the nodes of a key-value store do next (`service-templates/keyvalue/scripts/plan.awk`): wherever they begin, it comes to an
//! end, and no part of the keys is ever with nobody.
#![expect(clippy::expect_used, reason = "tests fail loudly")]

use proptest::{collection::vec, option, prelude::*, proptest};
use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// Parts of the key space of a Redis cluster.
const PARTS: u32 = 16384;

/// A node; its place in the list is its slot.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    owned: u32,
    of: Option<usize>,
    seen: bool,
}

#[derive(Debug)]
enum Step {
    Alone(usize),
    /// By slot.
    Weights(Vec<(usize, bool)>),
    Copy(usize, usize),
}

/// What the script says; slot 3 has the id `id3` and the address `at3`.
fn plan(nodes: &[Node], wanted: usize, replicas: bool) -> Vec<Step> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates/keyvalue/scripts/plan.awk");
    let mut lines = String::new();
    for (slot, node) in nodes.iter().enumerate() {
        let of = node.of.map_or("-".to_owned(), |of| format!("id{of}"));
        writeln!(lines, "{slot} {} id{slot} at{slot} {} {of}", node.owned, u8::from(node.seen)).expect("a line");
    }
    let replicas = if replicas { "on" } else { "off" };
    let mut awk = Command::new("awk")
        .args(["-v", &format!("wanted={wanted}"), "-v", &format!("replicas={replicas}"), "-f"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("awk");
    awk.stdin.take().expect("an input").write_all(lines.as_bytes()).expect("an input");
    let output = awk.wait_with_output().expect("an answer");
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).expect("text").lines().map(step).collect()
}

fn step(line: &str) -> Step {
    let words: Vec<&str> = line.split(' ').collect();
    let slot = |word: &str, before: &str| {
        let number = word.strip_prefix(before).and_then(|rest| rest.parse().ok());
        number.unwrap_or_else(|| panic!("{before} and a number in {line:?}"))
    };
    match words.as_slice() {
        ["alone", at] => Step::Alone(slot(at, "at")),
        ["copy", at, of] => Step::Copy(slot(at, "at"), slot(of, "id")),
        ["weights", weights @ ..] => {
            let weight = |word: &&str| {
                let (id, weight) = word.split_once('=').expect("a weight");
                (slot(id, "id"), weight == "1")
            };
            Step::Weights(weights.iter().map(weight).collect())
        }
        _ => panic!("{line:?}"),
    }
}

/// As Redis would, with its refusals as failures.
fn take(nodes: &mut [Node], step: &Step) {
    match step {
        Step::Alone(slot) => {
            assert!(nodes[*slot].of.take().is_some(), "{slot} is no replica: its keys would be lost");
        }
        Step::Copy(slot, of) => {
            assert_eq!(nodes[*slot].owned, 0, "{slot} has keys of its own");
            assert!(nodes[*of].of.is_none(), "{of} is a replica itself");
            nodes[*slot].of = Some(*of);
        }
        Step::Weights(weights) => {
            let masters: Vec<usize> = (0..nodes.len()).filter(|slot| nodes[*slot].of.is_none()).collect();
            let mut named: Vec<usize> = weights.iter().map(|(slot, _)| *slot).collect();
            named.sort_unstable();
            assert_eq!(named, masters, "one that is not named would get keys, and a replica can get none");
            let to: Vec<usize> = weights.iter().filter(|(_, weight)| *weight).map(|(slot, _)| *slot).collect();
            let share = u32::try_from(to.len()).ok().and_then(|count| PARTS.checked_div(count)).expect("somebody");
            for (slot, node) in nodes.iter_mut().enumerate() {
                node.owned = if to.contains(&slot) { share } else { 0 };
            }
            nodes[to[0]].owned += PARTS - share * u32::try_from(to.len()).expect("few");
        }
    }
    assert_eq!(nodes.iter().map(|node| node.owned).sum::<u32>(), PARTS, "{nodes:?}");
}

/// One to ten nodes: some with parts, some with none, some replicas of those with parts.
fn clusters() -> impl Strategy<Value = Vec<Node>> {
    vec((any::<bool>(), option::of(0_usize..10)), 1..=10).prop_map(|made| {
        let owners: Vec<usize> =
            (0..made.len()).filter(|slot| made[*slot].0 || made.iter().all(|node| !node.0)).collect();
        let share = PARTS / u32::try_from(owners.len()).expect("few");
        let rest = PARTS - share * u32::try_from(owners.len()).expect("few");
        let node = |(slot, (_, of)): (usize, &(bool, Option<usize>))| {
            if owners.contains(&slot) {
                let owned = share + if slot == owners[0] { rest } else { 0 };
                return Node { owned, of: None, seen: true };
            }
            Node { owned: 0, of: of.map(|of| owners[of % owners.len()]), seen: true }
        };
        made.iter().enumerate().map(node).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_comes_to_the_wanted_shape_from_anywhere(nodes in clusters(), wanted in 1_usize..=10, replicas: bool) {
        let mut nodes = nodes;
        let wanted = wanted.min(nodes.len());
        let mut turns = 0;
        loop {
            let steps = plan(&nodes, wanted, replicas);
            if steps.is_empty() {
                break;
            }
            turns += 1;
            prop_assert!(turns < 6, "it goes in circles: {nodes:?} {steps:?}");
            for step in &steps {
                take(&mut nodes, step);
            }
        }
        let parts: Vec<usize> = (0..nodes.len()).filter(|slot| nodes[*slot].owned > 0).collect();
        let expected = if replicas && wanted >= 6 { wanted / 2 } else { wanted };
        prop_assert!(parts.len() == expected && parts.iter().all(|slot| *slot < wanted), "{nodes:?}");
        let copies = |of: usize| (0..wanted).filter(|slot| nodes[*slot].of == Some(of)).count();
        prop_assert!(parts.iter().map(|slot| copies(*slot)).sum::<usize>() == wanted - expected, "{nodes:?}");
        let (most, least) = (parts.iter().map(|s| copies(*s)).max(), parts.iter().map(|s| copies(*s)).min());
        prop_assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1 || least > 0), "{nodes:?}");
    }

    #[test]
    fn nothing_is_done_while_one_that_shall_stay_is_away(nodes in clusters(), away in 0_usize..10, replicas: bool) {
        let mut nodes = nodes;
        let (wanted, away) = (nodes.len(), away % nodes.len());
        nodes[away].seen = false;
        prop_assert!(plan(&nodes, wanted, replicas).is_empty());
    }
}

#[test]
fn a_takeover_moves_no_keys() {
    let node = |owned, of| Node { owned, of, seen: true };
    let mut nodes =
        [node(5462, None), node(5461, None), node(5461, None), node(0, Some(0)), node(0, Some(1)), node(0, Some(2))];
    assert!(plan(&nodes, 6, true).is_empty(), "three pairs");
    nodes.swap(0, 3);
    nodes[0].of = Some(3);
    assert!(plan(&nodes, 6, true).is_empty(), "the other of a pair has the part now");
}
