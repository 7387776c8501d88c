/// A set that keeps its values in the order in which they came.
final class SetObject: Container {
    private let members: MapObject

    init(_ machine: Machine) throws(TBELError) {
        members = try MapObject(machine)
        super.init(in: machine)
        try charge(Container.ownSize)
    }

    private init(members: MapObject, _ machine: Machine) throws(TBELError) {
        self.members = members
        super.init(in: machine)
        try charge(Container.ownSize)
    }

    var count: Int { members.count }
    var values: [Value] { members.allKeys }

    func contains(_ value: Value) -> Bool { members.contains(value) }

    func makeReadOnly() { members.makeReadOnly() }

    /// Whether it was not there yet.
    func add(_ value: Value) throws(TBELError) -> Bool {
        if members.contains(value) { return false }
        try members.put(value, .bool(true))
        return true
    }

    /// Whether it was there.
    func remove(_ value: Value) throws(TBELError) -> Bool {
        !(try members.remove(value)).isNull
    }

    func removeAll() throws(TBELError) { try members.removeAll() }
    func reorder(_ order: [Int]) throws(TBELError) { try members.reorder(order) }
    func copy() throws(TBELError) -> SetObject { try SetObject(members: members.copy(), machine) }
}
