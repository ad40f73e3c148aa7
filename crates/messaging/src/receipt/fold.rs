//! What receipts do to one message, pure.

use crate::message::MessageStatus;
use crate::provider::ReceiptRank;

/// The steps a message takes from `status` through receipts, in the order they came, each with the
/// receipt that led to it. The last one is where it ends; each of them is told.
///
/// A receipt counts if it leads forward from where the message is when it is its turn, and never
/// afterwards: so it does not matter how a sequence is cut into batches. A delivery whose reading
/// was told already comes too late, and a failure is final unless a device was reached before.
pub(super) fn steps<T>(
    status: MessageStatus,
    receipts: impl IntoIterator<Item = (T, ReceiptRank)>,
) -> Vec<(T, MessageStatus)> {
    let mut at = status;
    let mut steps = Vec::new();
    for (receipt, rank) in receipts {
        let next = match rank {
            ReceiptRank::Nothing => continue,
            ReceiptRank::Error => MessageStatus::Failed,
            ReceiptRank::Delivered => MessageStatus::Delivered,
            ReceiptRank::Read => MessageStatus::Read,
        };
        if at.may_become(next) {
            at = next;
            steps.push((receipt, next));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(
        status: MessageStatus,
        ranks: impl IntoIterator<Item = ReceiptRank>,
    ) -> Vec<MessageStatus> {
        let all = super::steps(status, ranks.into_iter().map(|rank| ((), rank)));
        all.into_iter().map(|((), step)| step).collect()
    }

    use MessageStatus::{Delivered, Failed, Read, Sent};
    use ReceiptRank as Rank;

    #[test]
    fn each_step_forward_is_told_and_nothing_else() {
        let cases: [(&[Rank], &[MessageStatus]); 9] = [
            (&[], &[]),
            (&[Rank::Nothing], &[]),
            (&[Rank::Delivered, Rank::Read], &[Delivered, Read]),
            (&[Rank::Delivered, Rank::Delivered], &[Delivered]),
            (&[Rank::Read], &[Read]),
            (&[Rank::Read, Rank::Delivered], &[Read]),
            (&[Rank::Error, Rank::Delivered], &[Failed]),
            (
                &[Rank::Delivered, Rank::Error, Rank::Read],
                &[Delivered, Read],
            ),
            (&[Rank::Error, Rank::Error], &[Failed]),
        ];
        for (receipts, told) in cases {
            assert_eq!(steps(Sent, receipts.iter().copied()), told, "{receipts:?}");
        }
    }

    #[test]
    fn what_ended_stays_as_it_is() {
        for end in [
            Read,
            Failed,
            MessageStatus::Cancelled,
            MessageStatus::Received,
        ] {
            let all = [Rank::Error, Rank::Delivered, Rank::Read];
            assert_eq!(steps(end, all), [], "{end:?}");
        }
    }

    proptest! {
        #[test]
        fn where_a_sequence_is_cut_does_not_matter(
            receipts in prop::collection::vec(0..4usize, 0..12),
            cut in 0..13usize,
        ) {
            let all = [Rank::Nothing, Rank::Error, Rank::Delivered, Rank::Read];
            let receipts: Vec<_> = receipts.into_iter().map(|it| all[it]).collect();
            let (first, second) = receipts.split_at(cut.min(receipts.len()));
            let mut cut = steps(Sent, first.iter().copied());
            let between = cut.last().copied().unwrap_or(Sent);
            cut.extend(steps(between, second.iter().copied()));
            prop_assert_eq!(cut, steps(Sent, receipts));
        }
    }
}
