public import Model

/// What became of the messages of a tenant in a queue, as the published statistics count them (`rule-engine.md` 5.11).
public struct QueueCounts: Sendable, Equatable {
    /// Messages that are done.
    public var total: Int64 = 0
    public var successful: Int64 = 0
    public var failed: Int64 = 0
    /// Given up because they took too long.
    public var timedOut: Int64 = 0
    /// Attempts that were followed by another.
    public var failedForNow: Int64 = 0
    public var timedOutForNow: Int64 = 0

    public init() {}

    public mutating func note(_ outcome: DeliveryOutcome) {
        total += 1
        switch outcome {
        case .acknowledged: successful += 1
        case .failed: failed += 1
        case .lost: timedOut += 1
        }
    }

    public static func += (left: inout QueueCounts, right: QueueCounts) {
        left.total += right.total
        left.successful += right.successful
        left.failed += right.failed
        left.timedOut += right.timedOut
        left.failedForNow += right.failedForNow
        left.timedOutForNow += right.timedOutForNow
    }

    /// By the published names.
    public var named: [(key: String, count: Int64)] {
        [
            ("totalMsgs", total), ("successfulMsgs", successful), ("tmpTimeout", timedOutForNow),
            ("tmpFailed", failedForNow), ("timeoutMsgs", timedOut), ("failedMsgs", failed),
        ]
    }
}

/// Names what is counted together.
public struct QueueCountsKey: Sendable, Hashable {
    public var tenant: TenantID
    public var queueName: String

    public init(tenant: TenantID, queueName: String) {
        self.tenant = tenant
        self.queueName = queueName
    }
}

/// What was counted, and the first thing that went wrong.
public struct QueueReport: Sendable {
    public var counts = QueueCounts()
    public var firstError: RuleNodeFailure?

    public init() {}

    public static func += (left: inout QueueReport, right: QueueReport) {
        left.counts += right.counts
        left.firstError = left.firstError ?? right.firstError
    }
}

/// A message's failure, and where it happened.
public struct RuleNodeFailure: Sendable {
    public var text: String
    public var node: RuleNodeID?
    public var nodeName: String
    public var chain: RuleChainID?
    public var chainName: String

    public init(text: String, node: RuleNodeID?, nodeName: String, chain: RuleChainID?, chainName: String) {
        self.text = text
        self.node = node
        self.nodeName = nodeName
        self.chain = chain
        self.chainName = chainName
    }
}
