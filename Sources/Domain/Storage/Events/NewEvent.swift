public import Model

/// An event that is to be noted (`rest-api.md` 3.6).
public struct NewEvent: Sendable {
    /// A message on its way into a rule node, or out of it (`rule-engine.md` 5.10).
    public struct NodeMessage: Sendable {
        public enum Direction: String, Sendable {
            case into = "IN"
            case out = "OUT"
        }

        public var direction: Direction
        public var originator: EntityID
        public var messageID: UUID128
        public var messageType: String
        public var label: String
        public var data: String
        /// A JSON object.
        public var metadata: String
        public var error: String?

        public init(
            direction: Direction, originator: EntityID, messageID: UUID128, messageType: String, label: String,
            data: String, metadata: String, error: String?
        ) {
            self.direction = direction
            self.originator = originator
            self.messageID = messageID
            self.messageType = messageType
            self.label = label
            self.data = data
            self.metadata = metadata
            self.error = error
        }
    }

    /// A calculation of a field, or why there is none (`rest-api.md` 3.6, DEBUG_CALCULATED_FIELD).
    public struct Calculation: Sendable {
        public var field: UUID128
        public var entity: EntityID
        public var messageID: UUID128?
        public var messageType: String?
        public var arguments: String?
        public var result: String?
        public var error: String?

        public init(
            field: UUID128, entity: EntityID, messageID: UUID128?, messageType: String?, arguments: String?,
            result: String?, error: String?
        ) {
            self.field = field
            self.entity = entity
            self.messageID = messageID
            self.messageType = messageType
            self.arguments = arguments
            self.result = result
            self.error = error
        }
    }

    public enum Body: Sendable {
        case error(method: String, String)
        /// What happened to the life of an entity, and why it failed.
        case lifecycle(String, error: String?)
        case statistics(processed: Int64, errors: Int64)
        case ruleNodeDebug(NodeMessage)
        case ruleChainDebug(String)
        case calculatedFieldDebug(Calculation)
    }

    public var tenantID: TenantID
    public var entity: UUID128
    /// Milliseconds since 1970.
    public var time: Int64
    public var body: Body

    public init(tenantID: TenantID, entity: UUID128, time: Int64, body: Body) {
        self.tenantID = tenantID
        self.entity = entity
        self.time = time
        self.body = body
    }

    var kind: EventKind {
        switch body {
        case .error: .error
        case .lifecycle: .lifecycle
        case .statistics: .statistics
        case .ruleNodeDebug: .ruleNodeDebug
        case .ruleChainDebug: .ruleChainDebug
        case .calculatedFieldDebug: .calculatedFieldDebug
        }
    }

    /// Bytes that it takes while it waits, roughly.
    var size: Int {
        switch body {
        case .error(let method, let error): 200 + method.utf8.count + error.utf8.count
        case .lifecycle(let name, let error): 200 + name.utf8.count + (error?.utf8.count ?? 0)
        case .statistics: 200
        case .ruleNodeDebug(let message):
            400 + message.data.utf8.count + message.metadata.utf8.count + (message.error?.utf8.count ?? 0)
        case .ruleChainDebug(let text): 200 + text.utf8.count
        case .calculatedFieldDebug(let calculation):
            400 + (calculation.arguments?.utf8.count ?? 0) + (calculation.result?.utf8.count ?? 0)
                + (calculation.error?.utf8.count ?? 0)
        }
    }
}

/// Takes events. Safe from any thread, never waits.
public protocol EventRecorder: Sendable {
    func record(_ event: NewEvent)
}
