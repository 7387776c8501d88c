internal import CJavaScriptCore

/// A virtual machine of JavaScriptCore, in which contexts live. Belongs to one thread.
public final class JavaScriptGroup {
    let group: JSContextGroupRef
    /// Set by the library's watchdog when it ends what runs.
    private let isTerminated: UnsafeMutablePointer<Bool>
    private var limit: Double = 0

    public init() {
        group = JSContextGroupCreate()
        isTerminated = .allocate(capacity: 1)
        isTerminated.initialize(to: false)
    }

    deinit {
        JSContextGroupRelease(group)
        isTerminated.deallocate()
    }

    /// Ends every program and call that takes longer, in processor time.
    public func setTimeLimit(seconds: Double) {
        guard seconds != limit else { return }
        limit = seconds
        JSContextGroupSetExecutionTimeLimit(
            group, seconds,
            { _, info in
                info?.assumingMemoryBound(to: Bool.self).pointee = true
                return true
            }, isTerminated)
    }

    /// Whether the time limit was reached since it was asked last.
    func takeTermination() -> Bool {
        defer { isTerminated.pointee = false }
        return isTerminated.pointee
    }
}
