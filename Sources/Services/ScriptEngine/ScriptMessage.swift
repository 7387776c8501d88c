public import JSON
public import Model

/// What a script is given, and what scripts that make messages give (`rule-engine.md` 6.1).
public struct ScriptMessage: Sendable, Equatable {
    /// Nearly always JSON.
    public var data: String
    public var metadata: [String: String]
    public var type: String
    /// Given in place of the message to a script with names of its own for them (``ScriptSource/ownArguments``).
    public var ownArguments: [ScriptArgument]

    public init(data: String, metadata: [String: String], type: String) {
        self.data = data
        self.metadata = metadata
        self.type = type
        ownArguments = []
    }

    public init(arguments: [ScriptArgument]) {
        (data, metadata, type) = ("", [:], "")
        ownArguments = arguments
    }
}

/// An argument of a script that is not run for a message.
public enum ScriptArgument: Sendable, Equatable {
    case value(JSONValue)
    /// Values of a time window, oldest first (`rule-engine.md` 7.4).
    case series(start: Int64, end: Int64, [ScriptPoint])
    case map([ScriptMember])

    /// Characters that it has at least, as JSON.
    var size: Int {
        switch self {
        case .value(let value): value.serializedString.utf16.count
        case .series(_, _, let points): points.count * 24
        case .map(let members): members.reduce(0) { $0 + $1.key.utf16.count + $1.value.size }
        }
    }
}

/// A number and its time, in milliseconds since 1970.
public struct ScriptPoint: Sendable, Equatable {
    public var time: Int64
    public var value: Double

    public init(time: Int64, value: Double) {
        self.time = time
        self.value = value
    }
}

/// One entry of a map of arguments.
public struct ScriptMember: Sendable, Equatable {
    public var key: String
    public var value: ScriptArgument

    public init(_ key: String, _ value: ScriptArgument) {
        self.key = key
        self.value = value
    }
}

/// A script as its author wrote it: the body of a function.
public struct ScriptSource: Sendable, Hashable {
    public var tenant: TenantID
    public var body: String
    /// What the body calls the data, the metadata and the type.
    public var argumentNames: ArgumentNames
    /// Names of arguments that it has in place of a message's; TBEL only.
    public var ownArguments: [String]?

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

    public init(
        tenant: TenantID, body: String, argumentNames: ArgumentNames = .message, ownArguments: [String]? = nil
    ) {
        self.tenant = tenant
        self.body = body
        self.argumentNames = argumentNames
        self.ownArguments = ownArguments
    }
}
