/// What nodes do outside a message, by what must not change its order.
public struct NodeEffects: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Time series and attributes are saved, by the way that keeps the order of what it was given.
    public static let values = NodeEffects(rawValue: 1)
    /// Values are taken away, by another way: what was saved before must be stored by then.
    public static let removals = NodeEffects(rawValue: 2)
    public static let alarms = NodeEffects(rawValue: 4)
    /// Whatever else somebody can see.
    public static let others = NodeEffects(rawValue: 8)
    public static let all: NodeEffects = [.values, .removals, .alarms, .others]

    static let count = 4

    /// Of each effect that it has, its number.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        for number in 0..<Self.count where rawValue & (1 << UInt8(number)) != 0 { body(number) }
    }
}

/// Where a node stands in the order of the messages of an originator (docs/architecture.md, guarantee 4).
public struct NodeOrder: Sendable {
    /// What it does: only when no earlier message of the originator may yet do the same.
    public var begins: NodeEffects
    /// What no later message may begin while one waits here, besides what may follow behind the node.
    public var holds: NodeEffects
    /// Whether a message that waits here keeps its place. One that waits for somebody who need not answer must not.
    public var keepsPlace = true

    /// It does nothing outside its message, and may begin at any time. A message that waits here keeps its place.
    public static let free = NodeOrder(begins: [], holds: [])
    /// It does something, and has done it when its message goes on.
    public static func inTurn(_ effects: NodeEffects) -> NodeOrder { NodeOrder(begins: effects, holds: effects) }
    /// It saves values: in the order in which that is begun.
    static let saves = NodeOrder(begins: .values, holds: .removals)
    /// It begins in turn; messages that wait here are overtaken.
    public static let givesWay = NodeOrder(begins: .all, holds: [], keepsPlace: false)

    public init(begins: NodeEffects, holds: NodeEffects, keepsPlace: Bool = true) {
        self.begins = begins
        self.holds = holds
        self.keepsPlace = keepsPlace
    }
}
