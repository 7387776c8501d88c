public import JSON
public import Messages
public import Model

/// A relation by which a message leaves a node. Labels are compared without regard to case.
public struct RelationLabel: Sendable, ExpressibleByStringLiteral {
    public let name: String
    /// What is compared.
    let folded: String

    public init(_ name: String) {
        self.name = name
        folded = name.lowercased()
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    public static let success: RelationLabel = "Success"
    public static let failure: RelationLabel = "Failure"
    public static let other: RelationLabel = "Other"
    static let isTrue: RelationLabel = "True"
    static let isFalse: RelationLabel = "False"

    /// `True` or `False`.
    static func of(_ result: Bool) -> RelationLabel { result ? isTrue : isFalse }
}

/// What a node did with a message.
public enum NodeOutcome: Sendable {
    /// It goes on as it is along every connection with that label: nothing of it is copied.
    case pass(RelationLabel)
    /// It goes on along every connection with that label.
    case next(RuleMessage, RelationLabel)
    /// It goes on along every connection with any of those labels.
    case nextAny(RuleMessage, [RelationLabel])
    /// It goes on along `Failure`; unconnected, the message fails with that text.
    case failure(RuleMessage, String)
    /// It goes into another chain and comes back from its outputs, along the connections that they name
    /// (`rule-engine.md` 3.4).
    ///
    /// - Parameter prefersDefault: Whether the chain of the originator's profile goes first.
    case enter(RuleMessage, RuleChainID, prefersDefault: Bool)
    /// It goes back to the node that sent it into this chain, along the connections with this node's name.
    case leave(RuleMessage)
    /// It ends here, done.
    case acknowledge(RuleMessage)
    /// It is done, and goes on along every connection with that label all the same: what becomes of it there does not matter
    /// to its queue.
    case acknowledgeAndNext(RuleMessage, RelationLabel)
    /// It goes into the queue that the node names, and on from there along every connection with that label; done when that
    /// queue has it.
    case moveAndNext(RuleMessage, RelationLabel)
    /// These go on in its place, each as a message of its own, along every connection with that label; it is done when they
    /// are.
    case split(RuleMessage, into: [RuleMessage], RelationLabel)
    /// The node took ``RuleNodeContext/suspend(_:)`` and completes later.
    case suspended
}

extension NodeOutcome {
    /// The same of a message that was kept until now.
    func of(_ message: RuleMessage) -> NodeOutcome {
        if case .pass(let label) = self { .next(message, label) } else { self }
    }
}

/// Why a node cannot start. Its messages fail with that text until it is edited.
public struct RuleNodeConfigurationError: Error, Sendable {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }
}

/// One node of a rule chain. Owned by one shard; every call is made on its loop.
///
/// A node does not know the engine's insides: it is given a message and tells what became of it. One that must wait
/// suspends the message and returns; it must not block.
public protocol RuleNode: AnyObject, SendableMetatype {
    /// The class name by which stored chains name it.
    static var type: String { get }
    /// Version of the form of its configuration.
    static var configurationVersion: Int { get }
    /// Where it stands in the order of an originator's messages.
    static var order: NodeOrder { get }

    /// - Throws: When the configuration cannot be used.
    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError)

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome
}

extension RuleNode {
    public static var configurationVersion: Int { 0 }
    public static var order: NodeOrder { .inTurn(.others) }
}
