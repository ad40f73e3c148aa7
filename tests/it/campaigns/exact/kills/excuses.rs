//! Who may end as failed: those of whose calls nobody can know what became.

use super::*;

/// Calls of one number at once where nothing paces them: so many answers a kill can lose.
const AT_ONCE: u64 = 64;

impl Ordeal {
    /// Calls that no kill, but the gateway itself leaves without an answer.
    fn faults(self) -> usize {
        let faults = match self.troubles {
            Troubles::None => 0,
            Troubles::All => self.kills * FAULTS,
        };
        usize::try_from(faults).expect("small")
    }

    /// How many may fail at the most: those of whose calls nobody can know what became.
    fn most_failed(self) -> usize {
        let crashes = match self.troubles {
            Troubles::None => 0,
            Troubles::All => self.kills / 3,
        };
        let cut_off = usize::try_from((self.kills + crashes) * AT_ONCE).expect("small");
        // Nearly all of them are found at the gateway, or proved to be missing there and made again.
        (cut_off + self.faults()).min(self.people / 20 + 5)
    }
}

/// Notes to whom calls are under way, or were and nobody knows yet what became of them.
pub(super) async fn note_calls(stack: &Stack, noted: &mut BTreeSet<String>) {
    let open = "SELECT '+' || phone::text FROM queue WHERE state IN (2, 3)";
    let open = stack.rows(open, &[]).await;
    noted.extend(open.iter().map(|row| row.get::<_, String>(0)));
}

/// Whoever failed says that nobody knows why, had a call under way at a kill, and was not reached: what
/// left is found. Answers how many were reached, each once.
pub(super) async fn require_excused(
    scene: &Scene,
    ordeal: Ordeal,
    failed: &BTreeMap<String, Value>,
    cut_off: &BTreeSet<String>,
) -> usize {
    assert!(
        failed.values().all(|code| code == "PROVIDER_TIMEOUT"),
        "{failed:?}"
    );
    let most = ordeal.most_failed();
    assert!(failed.len() <= most, "{} failed: {failed:?}", failed.len());
    let never_cut = failed.keys().filter(|to| !cut_off.contains(*to));
    let never_cut: Vec<_> = never_cut.collect();
    assert!(
        never_cut.len() <= ordeal.faults(),
        "failed and had no call under way at a kill: {never_cut:?}"
    );
    let reached = scene.reached().await;
    require_no_second(&reached);
    let arrived = failed
        .keys()
        .filter(|to| reached.contains_key(to.trim_start_matches('+')));
    let arrived: Vec<_> = arrived.collect();
    assert!(arrived.is_empty(), "failed and arrived: {arrived:?}");
    assert_eq!(reached.len() + failed.len(), ordeal.people);
    reached.len()
}
