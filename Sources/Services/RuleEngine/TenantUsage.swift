import Messages
import Queue
import ScriptEngine
import Storage

/// What a tenant uses on one shard, and what it may use. Owned by the shard's loop.
final class TenantUsage {
    var counts = UsageCounts()
    var features = TenantFeatures()
    /// `nil` when there are none.
    var fields: TenantFields?
    /// Of messages without a schedule.
    var queue = QueueCounts()
    /// Since it was asked last.
    var firstError: RuleNodeFailure?

    /// Counts a message that begins to be processed; only what a device sent was brought by a transport.
    func begin(_ message: RuleMessage) {
        guard message.metadata.isOfDeviceSession else { return }
        counts.transportMessages += 1
        if case .points(_, _, let count) = message.payload { counts.transportDataPoints += Int64(count) }
    }
}

extension UsageCounts {
    mutating func add(_ executions: Int64, of language: ScriptLanguage) {
        switch language {
        case .javaScript: javaScriptExecutions += executions
        case .tbel: tbelExecutions += executions
        }
    }
}

extension TenantFeatures {
    func mayRun(_ language: ScriptLanguage) -> Bool {
        switch language {
        case .javaScript: javaScript != .disabled
        case .tbel: tbel != .disabled
        }
    }
}
