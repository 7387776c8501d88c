public import Model

/// What a script is given, and what scripts that make messages give (`rule-engine.md` 6.1).
public struct ScriptMessage: Sendable, Equatable {
    /// Nearly always JSON.
    public var data: String
    public var metadata: [String: String]
    public var type: String

    public init(data: String, metadata: [String: String], type: String) {
        self.data = data
        self.metadata = metadata
        self.type = type
    }
}

/// A script as its author wrote it: the body of a function.
public struct ScriptSource: Sendable, Hashable {
    public var tenant: TenantID
    public var body: String
    /// What the body calls the data, the metadata and the type.
    public var argumentNames: ArgumentNames

    public struct ArgumentNames: Sendable, Hashable {
        public var data: String
        public var metadata: String
        public var type: String

        public init(data: String, metadata: String, type: String) {
            self.data = data
            self.metadata = metadata
            self.type = type
        }

        public static let message = ArgumentNames(data: "msg", metadata: "metadata", type: "msgType")
        /// Those of scripts that generate messages.
        public static let previousMessage = ArgumentNames(
            data: "prevMsg", metadata: "prevMetadata", type: "prevMsgType")
    }

    public init(tenant: TenantID, body: String, argumentNames: ArgumentNames = .message) {
        self.tenant = tenant
        self.body = body
        self.argumentNames = argumentNames
    }
}
