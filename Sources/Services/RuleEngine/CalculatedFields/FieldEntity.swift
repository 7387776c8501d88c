import CalculatedFields
import Model
import Storage

/// An entity that fields are computed for: what is known of it, and whose turn it is. Owned by a shard's loop.
///
/// Its events are taken one after the other, so that the newest value of a result is that of the newest event.
final class FieldEntity {
    struct State {
        var version: Int64
        var state: FieldState
        /// Of alarm rules.
        var alarm = AlarmFieldState()
    }

    /// `nil` before it was looked up.
    var place: FieldEntityPlace?
    var states: [CalculatedFieldID: State] = [:]
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var next = 0

    var isIdle: Bool { !isBusy }

    /// Waits for one's turn; turns are taken in the order of the calls.
    func enter() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        guard next < waiting.count else {
            waiting.removeAll(keepingCapacity: true)
            next = 0
            isBusy = false
            return
        }
        next += 1
        waiting[next - 1].resume()
    }
}
