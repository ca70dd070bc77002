//! Whether things that need one another can be put in order (Kahn 1962).

/// One of so many things, counted from 1, that needs itself by way of these needs: who is needed,
/// and by whom.
pub(super) fn circle(nodes: usize, edges: &[(usize, usize)]) -> Option<usize> {
    let mut waits = vec![0_usize; nodes.saturating_add(1)];
    let mut sorted = edges.to_vec();
    sorted.sort_unstable();
    for (_, to) in &sorted {
        if let Some(count) = waits.get_mut(*to) {
            *count = count.saturating_add(1);
        }
    }
    let mut ready = (1..=nodes).filter(|&node| waits.get(node) == Some(&0)).collect::<Vec<_>>();
    while let Some(node) = ready.pop() {
        let first = sorted.partition_point(|(from, _)| *from < node);
        let own = sorted.get(first..).unwrap_or_default();
        for (_, to) in own.iter().take_while(|(from, _)| *from == node) {
            let Some(count) = waits.get_mut(*to) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                ready.push(*to);
            }
        }
    }
    (1..=nodes).find(|&node| waits.get(node).is_some_and(|&count| count > 0))
}
