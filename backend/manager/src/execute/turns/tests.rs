//! A class at the same door.

use super::*;
use futures_util::FutureExt;
use std::collections::BTreeSet;

fn is_called(turn: &mut Turn) -> bool {
    turn.come().now_or_never().is_some()
}

/// Serves everybody, one place after the other; gives the owners in the order in which they were called.
fn serve(mut line: Vec<(usize, Turn)>) -> Vec<usize> {
    let (mut order, mut served) = (Vec::new(), VecDeque::new());
    while !line.is_empty() {
        while let Some(called) = line.iter_mut().position(|(_, turn)| is_called(turn)) {
            let (who, turn) = line.remove(called);
            order.push(who);
            served.push_back(turn);
        }
        assert!(served.pop_front().is_some(), "nobody is called");
    }
    order
}

#[test]
fn no_more_than_there_are_places() {
    let turns = Turns::new(2);
    let owner = UserId::generate();
    let mut all: Vec<_> = (0..5).map(|_| turns.queue(owner, ServiceId::generate())).collect();
    assert_eq!(all.iter_mut().map(is_called).filter(|called| *called).count(), 2);
    drop(all.remove(0));
    assert_eq!(all.iter_mut().map(is_called).filter(|called| *called).count(), 2, "one left, one came");
}

#[test]
fn a_user_with_many_instances_does_not_hold_up_others() {
    let turns = Turns::new(1);
    let (greedy, modest) = (UserId::generate(), UserId::generate());
    let mut line: Vec<_> = (0..100).map(|_| (0, turns.queue(greedy, ServiceId::generate()))).collect();
    line.push((1, turns.queue(modest, ServiceId::generate())));
    let order = serve(line);
    assert_eq!(order.iter().position(|who| *who == 1), Some(1), "right after the one that runs");
    assert_eq!(order.len(), 101, "all are served");
}

#[test]
fn two_hundred_users_at_the_same_second_each_get_their_first_before_anybody_gets_a_second() {
    let turns = Turns::new(8);
    let users: Vec<_> = (0..200).map(|_| UserId::generate()).collect();
    // Three each, all of one user after the other: the worst order.
    let line = users
        .iter()
        .enumerate()
        .flat_map(|(who, user)| (0..3).map(move |_| (who, *user)))
        .map(|(who, user)| (who, turns.queue(user, ServiceId::generate())))
        .collect();
    let order = serve(line);
    for who in 0..200 {
        assert_eq!(order.iter().filter(|other| **other == who).count(), 3, "all are served");
    }
    // The first eight places were free when the first three users came, who were alone then.
    let firsts: BTreeSet<usize> = order[..8 + 197].iter().copied().collect();
    assert_eq!(firsts.len(), 200, "everybody has one after {:?}", &order[..8 + 197]);
}

#[test]
fn coming_back_is_no_way_to_the_front() {
    let turns = Turns::new(1);
    let (steady, returning) = (UserId::generate(), UserId::generate());
    let mut line: Vec<_> = (0..10).map(|_| turns.queue(steady, ServiceId::generate())).collect();
    let mut seen = Vec::new();
    let mut again = turns.queue(returning, ServiceId::generate());
    for _ in 0..12 {
        if is_called(&mut again) {
            seen.push("returning");
            // In line again before the place is given back.
            again = turns.queue(returning, ServiceId::generate());
        } else {
            seen.push("steady");
            let called = line.iter_mut().position(is_called).unwrap_or_else(|| panic!("a free place"));
            line.remove(called);
        }
    }
    assert!(seen.windows(3).all(|three| three.contains(&"steady")), "{seen:?}");
}

#[test]
fn the_position_counts_those_who_come_before() {
    let turns = Turns::new(1);
    let (ada, eve) = (UserId::generate(), UserId::generate());
    let services: Vec<_> = (0..4).map(|_| ServiceId::generate()).collect();
    let running = turns.queue(ada, services[0]);
    let second = turns.queue(ada, services[1]);
    let third = turns.queue(ada, services[2]);
    let other = turns.queue(eve, services[3]);
    let positions = || services.iter().map(|service| turns.position(*service)).collect::<Vec<_>>();
    assert_eq!(positions(), [None, Some(2), Some(3), Some(1)]);
    drop(running);
    assert_eq!(positions(), [None, Some(1), Some(2), None], "eve's turn has come");
    drop(second);
    assert_eq!(positions(), [None, None, Some(1), None], "somebody left the line");
    drop((third, other));
    assert!(turns.state().users.values().all(|user| user.running == 0 && user.waiting.is_empty()));
    assert_eq!(turns.state().free, 1);
}

#[tokio::test]
async fn a_place_that_is_given_back_wakes_who_waits() {
    let turns = Turns::new(1);
    let first = turns.queue(UserId::generate(), ServiceId::generate());
    let mut second = turns.queue(UserId::generate(), ServiceId::generate());
    let waiting = tokio::spawn(async move { second.come().await });
    tokio::task::yield_now().await;
    drop(first);
    let called = tokio::time::timeout(std::time::Duration::from_secs(5), waiting).await;
    assert!(called.is_ok_and(|joined| joined.is_ok()));
}
