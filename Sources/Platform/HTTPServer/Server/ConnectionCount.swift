internal import Synchronization

/// The open connections of a server on all of its loops.
final class ConnectionCount: Sendable {
    private let count = Atomic(0)

    /// Counts one more, unless there are `limit` already.
    func take(limit: Int) -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= limit { return true }
        giveBack()
        return false
    }

    func giveBack() {
        count.subtract(1, ordering: .relaxed)
    }
}
