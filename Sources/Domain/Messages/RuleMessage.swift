public import Model
import Telemetry

/// The message that rule nodes process (`rule-engine.md` 1.1, TbMsg).
///
/// A value: a node that changes it changes its own copy. Metadata and data of device messages stay in their compact
/// form until somebody looks at them.
public struct RuleMessage: Sendable {
    public var id: UUID128
    /// When it was created, milliseconds since 1970.
    public var timestamp: Int64
    public var type: MessageType
    public var originator: EntityID
    public var tenantID: TenantID
    /// `nil` when there is no customer.
    public var customerID: CustomerID?
    public var metadata: MessageMetadata
    public var payload: MessagePayload
    /// Chain that must process it; `nil` stands for the tenant's root chain.
    public var ruleChainID: RuleChainID?
    /// Node that must process it; `nil` stands for the chain's first node.
    public var ruleNodeID: RuleNodeID?
    /// Labels along which it leaves ``ruleNodeID``, which had it already; empty: that node is to process it
    /// (`rule-engine.md` 1.4).
    public var labels: [String] = []
    /// Queue that it was read from, or goes to; `nil` stands for `Main`.
    public var queueName: String?
    /// How many nodes have processed it.
    public var executedNodeCount: UInt32 = 0
    /// Of a message that every partition of its queue has a copy of.
    public var duplicate: MessageDuplicate?
    /// The stack of nodes that sent it into the chain in which it is; `nil` where nobody waits for its return.
    public var callers: RuleChainCall?
    /// Calculated fields that have led to it, the first one first: none of them begins anew because of it.
    public var calculatedFields: [UUID128] = []

    public init(
        id: UUID128, timestamp: Int64, type: MessageType, originator: EntityID, tenantID: TenantID,
        customerID: CustomerID? = nil, metadata: MessageMetadata, payload: MessagePayload,
        ruleChainID: RuleChainID? = nil, ruleNodeID: RuleNodeID? = nil, queueName: String? = nil
    ) {
        self.id = id
        self.timestamp = timestamp
        self.type = type
        self.originator = originator
        self.tenantID = tenantID
        self.customerID = customerID
        self.metadata = metadata
        self.payload = payload
        self.ruleChainID = ruleChainID
        self.ruleNodeID = ruleNodeID
        self.queueName = queueName
    }

    /// The message of one uplink (`rule-engine.md` 1.8, first two rows).
    ///
    /// - Parameter index: Position in `batch.messages`.
    public init(uplink batch: UplinkBatch, index: Int, id: UUID128) {
        let uplink = batch.messages[index]
        let device = uplink.session.device
        self.id = id
        timestamp = uplink.timestamp
        switch uplink.kind {
        case .telemetry:
            type = .known(.postTelemetryRequest)
            metadata = MessageMetadata(session: uplink.session, timestamp: uplink.timestamp)
        case .attributes:
            type = .known(.postAttributesRequest)
            metadata = MessageMetadata(session: uplink.session, timestamp: nil)
        }
        originator = device.deviceID.entityID
        tenantID = device.tenantID
        customerID = device.customerID.isNull ? nil : device.customerID
        payload = .points(batch, first: uplink.firstPoint, count: uplink.pointCount)
        ruleChainID = uplink.session.profile.ruleChainID
        queueName = uplink.session.profile.queueName
    }

    /// The time that nodes use: metadata `ts` where it is a number, else ``timestamp``.
    public var metadataTimestamp: Int64 {
        switch metadata.storage {
        case .session(_, let timestamp?): timestamp
        case .session(_, nil): timestamp
        case .dictionary(let values): values["ts"].flatMap { Int64($0) } ?? timestamp
        }
    }
}

/// One of the copies of a message in a queue that gives its messages to all partitions (`rule-engine.md` 5.3).
public struct MessageDuplicate: Sendable, Equatable {
    /// What the copies have in common.
    public var correlationID: UUID128
    /// Where this one is.
    public var partition: Int32

    public init(correlationID: UUID128, partition: Int32) {
        self.correlationID = correlationID
        self.partition = partition
    }
}

/// The data of a message.
public enum MessagePayload: Sendable {
    /// A flat object whose values are typed already.
    case points(UplinkBatch, first: UInt32, count: UInt32)
    /// Text, nearly always JSON.
    case text(String)

    /// The data as text; a set of points becomes a compact JSON object. Builds a string.
    public var text: String {
        switch self {
        case .text(let text):
            return text
        case .points(let batch, let first, let count):
            var bytes: [UInt8] = []
            TelemetryJSON.write(Int(first)..<Int(first + count), of: batch.arena, into: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// The metadata of a message: text by text (`rule-engine.md` 1.1).
public struct MessageMetadata: Sendable {
    enum Storage: Sendable {
        /// What a transport sets (`device-api.md` 1.6): telemetry has `ts`, attributes have `notifyDevice`.
        case session(SessionInfo, timestamp: Int64?)
        case dictionary([String: String])
    }

    var storage: Storage

    public init(_ values: [String: String] = [:]) {
        storage = .dictionary(values)
    }

    /// The metadata of a device's telemetry (`timestamp` given) or attributes (`nil`).
    public init(session: SessionInfo, timestamp: Int64?) {
        storage = .session(session, timestamp: timestamp)
    }

    /// Whether a transport made it for a message of a device.
    public var isOfDeviceSession: Bool {
        if case .session = storage { true } else { false }
    }

    public var dictionary: [String: String] {
        switch storage {
        case .dictionary(let values):
            return values
        case .session(let session, let timestamp):
            var values = ["deviceName": session.device.name, "deviceType": session.device.type]
            if let timestamp { values["ts"] = String(timestamp) } else { values["notifyDevice"] = "false" }
            return values
        }
    }

    public subscript(key: String) -> String? {
        get {
            switch storage {
            case .dictionary(let values): return values[key]
            case .session(let session, let timestamp):
                switch key {
                case "deviceName": return session.device.name
                case "deviceType": return session.device.type
                case "ts": return timestamp.map { String($0) }
                case "notifyDevice": return timestamp == nil ? "false" : nil
                default: return nil
                }
            }
        }
        set {
            guard let newValue else { return }
            var values = dictionary
            values[key] = newValue
            storage = .dictionary(values)
        }
    }
}
